# gdb attaches to a stopped process of three threads, looks at them, and lets go
. /regress/gdb-common.sh TTT
