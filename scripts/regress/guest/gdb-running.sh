# gdb attaches to a running process of three threads, looks at them, and lets go
. /regress/gdb-common.sh SSR
