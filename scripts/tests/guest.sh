# shellcheck shell=bash
# Of check-bench: guests that are well, and guests that are not. Each boots in a second.

"${CC:-gcc}" -O2 -Wall -Wextra -Werror -static -o misbehave "$TOP/scripts/tests/misbehave.c" ||
	die "$EX_SETUP" "misbehave.c does not compile"

# initrd NAME OPTION...: make NAME.cpio, which runs NAME.manifest.
initrd()
{
	"$TOP/scripts/guest/initramfs" --gen-src "$GEN_SRC" --out "$1.cpio" \
		--manifest "$1.manifest" --file /bench/misbehave=misbehave "${@:2}" >/dev/null
}

# vm NAME [OPTION...]: boot that, with the results in $OUT/NAME. It ends the subshell that it is
# called in. A background command would ignore SIGINT.
vm()
{
	exec env --default-signal=INT "$TOP/scripts/guest/vm" --kernel "$KERNEL" \
		--initrd "$1.cpio" --manifest "$1.manifest" --results "$OUT/$1" "${@:2}"
}

# init NAME [OPTION...]: the same, with /bench/NAME as the guest's init.
init() { vm "$1" --append "rdinit=/bench/$1" "${@:2}"; }

report() { "$TOP/scripts/guest/tap-report" "$@"; }

# only WAY: the report on "ill" as if only WAY had been asked for.
only()
{
	rm -rf only
	cp -r ill only
	sed -i "/^$1 /!d" only/manifest
	report only
}

# longest NAME PROGRAM: the length of the longest line that PROGRAM printed.
longest() { wc -L <"$1/tap/$2.tap"; }

# ends NAME PROGRAM...: how they ended, on one line.
ends()
{
	local programs=("${@:2}")

	cd "$1/tap" && cat "${programs[@]/%/.status}" | paste -sd' '
}

# bad: grep's idea of the lines on a console that come from stdin.
bad() { grep -E -f <(grep -v -e '^#' -e '^$' "$TOP/scripts/guest/console-badness"); }

# allowed RACE: whether known_races() excuses it.
allowed() { grep -E -f <(grep -v -e '^#' -e '^$' this) <<<"BUG: KCSAN: data-race in $*"; }

# qemus: the process ids of the QEMUs that write into $OUT/spin.
qemus() { pgrep -f "^[^ ]*qemu-system[^ ]* .*path=$OUT/spin/console.log" || :; }

# interrupt WHOM SIGNAL: boot a guest that hangs and send SIGNAL to the vm script or to its qemu;
# say how many QEMUs there were and are, and return vm's exit code.
interrupt()
{
	local vm pid before rc=0

	rm -f spin/console.log
	init spin --timeout 30 >interrupt.log 2>&1 &
	vm=$! pid=$!
	# shellcheck disable=SC2064	# $vm of now
	trap "kill $vm" EXIT
	for _ in {1..200}; do
		[ ! -s spin/console.log ] || break
		sleep 0.05
	done
	before=$(qemus | wc -l)
	[ "$1" = vm ] || pid=$(qemus)
	kill "-$2" "$pid"
	wait "$vm" 2>/dev/null || rc=$?
	trap - EXIT
	for _ in {1..20}; do
		[ -n "$(qemus)" ] || break
		sleep 0.05
	done
	echo "$before QEMUs before, $(qemus | wc -l) after"
	cat interrupt.log
	return $rc
}

# The guests, and the WAYs in which their programs misbehave one after the other [NAME]. Each can
# be the guest's init, too.
while read -r name ways; do
	for way in ${ways:-$name}; do
		echo "$way 2 /bench/misbehave $way"
	done >"$name.manifest"
	initrd "$name" --file "/bench/$name=misbehave"
done <<'EOF'
well pass skip noise leave alone
ill fail status few nothing none bail killed hang pass
dawdle dawdle pass
panic
bug
oops
warn
taint
race
stuck
freeze
reboot pass reboot fail
silent pass
endless pass
spin pass
absent pass
EOF
echo 'absent 2 /bench/misbehave pass' >>absent.manifest
{ known_races "$KERNEL"; echo 'BUG: KCSAN: data-race in (one|two) / other$'; } >this
printf '# one / other\n\n%s\n' 'data-race in one / an' >another
echo 'data-race in (one' >broken

expect_all <<'EOF'
0|vm well|a good guest passes|passed: 5 programs ran to an end
0|report well|good programs pass|^8 passed, 0 failed, 1 skipped$
0|longest well noise|output with NULs, long lines and false records stays output|^100005$
0|ends well noise|... and its program goes on to its end|^exit 0$
0|cat well/junit.xml|JUnit XML is written|<testsuites>
0|vm ill|failing programs are no fault of the guest|passed: 9 programs
1|only fail|'not ok' with exit 0 fails|Failed test: +2
1|only status|'ok' with exit 3 fails|status \(exit 3\)
1|only few|fewer results than planned fail|planned 3 tests but ran 1
1|only nothing|a program that prints nothing fails|nothing \(exit 0\) printed nothing
1|only none|a program that runs no test, and skips none, fails|none ran no test
1|only bail|a bail-out fails|Bail out! no use
1|only killed|a program killed halfway fails|killed \(signal 9\)
1|only hang|a program that hangs fails|hang did not end within 2 s
0|only pass|a program after them is not hurt|^2 passed, 0 failed$
1|report ill|each of them is counted|^9 passed, 8 failed$
1|report well ill|two runs are counted together|^17 passed, 8 failed, 1 skipped$
0|vm dawdle --append bench.fail-fast=1|a failing program is stopped, if asked for|passed: 2 programs
0|ends dawdle dawdle pass|... and it alone, before its timeout|^stopped exit 0$
1|report dawdle|... which counts as a failure|dawdle .stopped
3|vm panic|a panic is noticed|crashed: .*Kernel panic.* while panic ran
1|report panic|... and fails the program|^2 passed, 1 failed$
3|vm bug|a BUG() is noticed|crashed: .*kernel BUG at .* while bug ran
3|vm oops|an oops is noticed|crashed: .*BUG: kernel NULL pointer
3|vm warn|a warning is noticed|crashed: .*WARNING: 
1|report warn|... though all of the program's tests passed|^2 passed, 1 failed$
3|vm taint|a taint without words is noticed|crashed: .*tainted \(W while taint ran\)
3|vm race|a data race is noticed|crashed: .*data-race in one / other
0|vm race --allow this|... unless the caller allows for it|^vm: passed: 1 programs
3|vm race --allow another|... and not for another|crashed: .*data-race in one / other
0|allowed pid_revalidate / dput.part.0|a race between functions of fs/ is not of the series|pid_reval
1|allowed dput / ptrace_request|... but one with a function of kernel/ is|^$
2|vm race --allow broken|a bad --allow is a set-up error|not a list of extended regular expressions
5|vm stuck|an unkillable program ends the run|gave up: .*stuck left processes that survive SIGKILL
4|vm freeze --timeout 6|a guest that hangs is killed|timed out: .*within 6 s, while freeze ran
1|report freeze|... and fails the program|never ended in the guest|freeze \(no end\)
4|init spin --boot-timeout 4|one whose init never begins is killed sooner|within 4 s, before
5|vm reboot|a guest that ends halfway is noticed|no evidence: .*ended while reboot ran
1|report reboot|... and fails what it left out|^3 passed, 2 failed$
5|init silent|a guest without a word is noticed|silent: 
1|report silent|... and fails its programs|pass \(no end\) printed nothing
5|init endless|a missing end marker is noticed|without the end marker
4|init spin --timeout 2|an init that hangs is killed|timed out: .*before its init said anything
5|vm absent|a program that did not run is noticed|no evidence: absent never began
2|vm well --kernel none|a missing kernel is a set-up error|no such kernel
2|vm well --manifest none|a missing manifest is a set-up error|no such manifest
2|initrd well --file /bench/x=/bin/bash|a dynamically linked program is refused|dynamically linked
2|initrd well --file /bench/x=none|a missing program is refused|no such file
130|interrupt vm INT|Ctrl-C leaves no QEMU|^1 QEMUs before, 0 after$
137|interrupt vm KILL|a killed vm leaves no QEMU|^1 QEMUs before, 0 after$
3|interrupt qemu KILL|a QEMU that dies is noticed|^1 QEMUs before, 0 after$
EOF

# Lines on a console that no guest here says: 0 of each kind that is bad, 1 of no trouble.
seen=(. '^$') verdict=(bad 'no trouble')
while read -r code line; do
	expect "$code" "${seen[code]}" "${verdict[code]} on a console: ${line//#}" bad <<<"$line"
done <<'EOF'
0 BUG: KASAN: slab-use-after-free in ptrace_attach+0x12/0x34
0 UBSAN: shift-out-of-bounds in kernel/ptrace.c:12:3
0 WARNING: possible circular locking dependency detected
0 WARNING: kernel/ptrace.c:12 at ptrace_attach+0x12/0x34, CPU 1: init/1
0 WARNING: ../../tree/7.3/kernel/ptrace.c:12 at ptrace_attach+0x12/0x34, CPU#1: init/1
0 rcu: INFO: rcu_preempt self-detected stall on CPU
0 INFO: task prog:57 blocked for more than 60 seconds.
0 watchdog: BUG: soft lockup - CPU 1 stuck for 22s! [prog:57]
0 Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000
0 Oops: general protection fault, probably for non-canonical address: 0000 [#1] SMP
0 kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
0 ODEBUG: free active (active state 0) object: 00000000 object type: timer_list
0 list_del corruption. prev->next should be ffff888000000000
0 refcount_t: underflow; use-after-free.
1 traps: prog[57] general protection fault ip:401136 sp:7ffc0000 error:0 in prog[401000+1000]
1 prog[57]: segfault at 0 ip 0000000000401136 sp 00007ffc00000000 error 4
1 Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on
1 ODEBUG: selftest passed
1 Kernel command line: console=ttyS0 DEBUG:1 panic=-1
EOF

cp well.manifest shell.manifest
initrd shell --busybox
# shellcheck disable=SC2016	# for the guest's shell
expect 0 '^6 times 7 is 42' "the guest's shell reads a pipe" \
	vm shell --shell --timeout 10 <<<'echo 6 times 7 is $((6 * 7))'
