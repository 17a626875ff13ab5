# shellcheck shell=bash
# Of check-bench: guests that are well, and guests that are not. Each boots in a second.

VM_PID=
trap '[ -z "$VM_PID" ] || kill "$VM_PID"' EXIT
"${CC:-gcc}" -O2 -Wall -Wextra -Werror -static -o "$OUT/misbehave" \
	"$TOP/scripts/tests/misbehave.c" || die $EX_SETUP "misbehave.c does not compile"

# initrd NAME OPTION...: make $OUT/NAME.cpio, which runs $OUT/NAME.manifest.
initrd()
{
	local name=$1

	shift
	"$TOP/scripts/guest/initramfs" --gen-src "$GEN_SRC" --out "$OUT/$name.cpio" \
		--manifest "$OUT/$name.manifest" \
		--file "/bench/misbehave=$OUT/misbehave" "$@" >/dev/null
}

# guest NAME [WAY...]: an initrd whose programs misbehave in those WAYs [NAME].
# It can be booted with rdinit=/bench/NAME, too.
guest()
{
	local name=$1 way

	[ $# = 1 ] || shift
	for way in "$@"; do
		echo "$way 2 /bench/misbehave $way"
	done >"$OUT/$name.manifest"
	initrd "$name" --file "/bench/$name=$OUT/misbehave"
}

# vm NAME [OPTION...]: boot that, with the results in $OUT/NAME.
vm()
{
	local name=$1

	shift
	"$TOP/scripts/guest/vm" --kernel "$KERNEL" --initrd "$OUT/$name.cpio" \
		--manifest "$OUT/$name.manifest" --results "$OUT/$name" "$@"
}

report()
{
	"$TOP/scripts/guest/tap-report" "$@"
}

# only NAME WAY: a copy of the results in NAME as if only WAY had been asked for.
only()
{
	rm -rf "$OUT/only"
	cp -r "$OUT/$1" "$OUT/only"
	sed -i "/^$2 /!d" "$OUT/only/manifest"
	echo "$OUT/only"
}

# qemus NAME: the process ids of the QEMUs that write into $OUT/NAME.
qemus()
{
	local pid

	for pid in $(ps -e -o pid= -o comm= | awk '$2 ~ /^qemu/ { print $1 }'); do
		if grep -asqF "path=$OUT/$1/console.log" "/proc/$pid/cmdline"; then
			echo "$pid"
		fi
	done
}

# gone NAME: wait for a second until no QEMU writes there; false if one still does.
gone()
{
	for _ in {1..20}; do
		[ -n "$(qemus "$1")" ] || return 0
		sleep 0.05
	done
	return 1
}

# interrupt WHOM SIGNAL CODE WHAT: boot a guest that hangs and send SIGNAL to the
# vm script or to its qemu; vm is to exit with CODE then, and no QEMU to be left.
interrupt()
{
	local whom=$1 signal=$2 code=$3 what=$4 ran pid rc=0 status=1

	rm -f "$OUT/spin/console.log"
	# A shell has its background commands ignore SIGINT.
	env --default-signal=INT "$TOP/scripts/guest/vm" --kernel "$KERNEL" \
		--initrd "$OUT/spin.cpio" --manifest "$OUT/spin.manifest" \
		--results "$OUT/spin" --append rdinit=/bench/spin \
		--timeout 30 >"$OUT/interrupt.log" 2>&1 &
	VM_PID=$! pid=$!
	for _ in {1..200}; do
		[ ! -s "$OUT/spin/console.log" ] || break
		sleep 0.05
	done
	ran=$(qemus spin | wc -l)
	[ "$whom" = vm ] || pid=$(qemus spin)
	kill "-$signal" "$pid"
	wait "$VM_PID" 2>/dev/null || rc=$?
	VM_PID=''
	if [ "$ran" = 1 ] && gone spin && [ $rc = "$code" ]; then
		status=0
	fi
	tell $status "$what" "$ran QEMUs before, $(qemus spin | wc -l) after,
expected exit $code, saw $rc and:
$(cat "$OUT/interrupt.log")"
}

# bad LINE: grep's idea of LINE on a console.
bad()
{
	grep -E -f <(grep -v -e '^#' -e '^$' "$TOP/scripts/guest/console-badness") <<<"$1"
}

# ---- a guest that is well, and programs that are not ------------------------

guest well pass skip noise leave alone
expect 0 'passed: 5 programs ran to an end' "a good guest passes" vm well
expect 0 '^8 passed, 0 failed, 1 skipped$' "good programs pass" report "$OUT/well"
expect 0 '^100005 exit 0$' "output with NULs, long lines and false records stays output" \
	echo "$(wc -L <"$OUT/well/tap/noise.tap") $(cat "$OUT/well/tap/noise.status")"
expect 0 '<testsuites>' "JUnit XML is written" cat "$OUT/well/junit.xml"

guest ill fail status few nothing bail killed hang pass
expect 0 'passed: 8 programs' "failing programs are no fault of the guest" vm ill
expect 1 'Failed test: +2' "'not ok' with exit 0 fails" report "$(only ill fail)"
expect 1 'status \(exit 3\)' "'ok' with exit 3 fails" report "$(only ill status)"
expect 1 'planned 3 tests but ran 1' "fewer results than planned fail" \
	report "$(only ill few)"
expect 1 'nothing \(exit 0\) printed nothing' "a program that prints nothing fails" \
	report "$(only ill nothing)"
expect 1 'Bail out! no use' "a bail-out fails" report "$(only ill bail)"
expect 1 'killed \(signal 9\)' "a program killed halfway fails" \
	report "$(only ill killed)"
expect 1 'hang did not end within 2 s' "a program that hangs fails" \
	report "$(only ill hang)"
expect 0 '^2 passed, 0 failed$' "a program after them is not hurt" \
	report "$(only ill pass)"
expect 1 '^9 passed, 7 failed$' "each of them is counted" report "$OUT/ill"
expect 1 '^17 passed, 7 failed, 1 skipped$' "two runs are counted together" \
	report "$OUT/well" "$OUT/ill"

guest dawdle dawdle pass
expect 0 'passed: 2 programs' "a program is stopped when it fails, if so asked for" \
	vm dawdle --append bench.fail-fast=1
expect 0 '^stopped exit 0$' "... and it alone, before its timeout" \
	echo "$(cat "$OUT/dawdle/tap/dawdle.status") $(cat "$OUT/dawdle/tap/pass.status")"
expect 1 'dawdle .stopped' "... which counts as a failure" report "$OUT/dawdle"

# ---- kernels that are not well ----------------------------------------------

guest panic
expect 3 'crashed: .*Kernel panic.* while panic ran' "a panic is noticed" vm panic
expect 1 '^2 passed, 1 failed$' "... and fails the program" report "$OUT/panic"
guest bug
expect 3 'crashed: .*kernel BUG at .* while bug ran' "a BUG() is noticed" vm bug
guest oops
expect 3 'crashed: .*BUG: kernel NULL pointer' "an oops is noticed" vm oops
guest warn
expect 3 'crashed: .*WARNING: ' "a warning is noticed" vm warn
expect 1 '^2 passed, 1 failed$' "... though all of the program's tests passed" \
	report "$OUT/warn"
guest taint
expect 3 'crashed: .*tainted \(W while taint ran\)' "a taint without words is noticed" \
	vm taint
guest race
expect 3 'crashed: .*data-race in one / other' "a data race is noticed" vm race
echo 'BUG: KCSAN: data-race in (one|two) / other$' >"$OUT/allow"
expect 0 '^vm: passed: 1 programs' "... unless the caller allows for it" \
	vm race --allow "$OUT/allow"
printf '# one / other\n\n%s\n' 'data-race in one / an' >"$OUT/allow"
expect 3 'crashed: .*data-race in one / other' "... and not for another" \
	vm race --allow "$OUT/allow"
echo 'data-race in (one' >"$OUT/allow"
expect 2 'not a list of extended regular expressions' "a bad --allow is a set-up error" \
	vm race --allow "$OUT/allow"
guest stuck
expect 5 'gave up: .*stuck left processes that survive SIGKILL' \
	"a program that cannot be killed ends the run" vm stuck
guest freeze
expect 4 'timed out: .*within 6 s, while freeze ran' "a guest that hangs is killed" \
	vm freeze --timeout 6
expect 1 'never ended in the guest|freeze \(no end\)' "... and fails the program" \
	report "$OUT/freeze"

# ---- guests that end without the evidence -----------------------------------

guest reboot pass reboot fail
expect 5 'no evidence: .*ended while reboot ran' "a guest that ends halfway is noticed" \
	vm reboot
expect 1 '^3 passed, 2 failed$' "... and fails what it left out" report "$OUT/reboot"
guest silent pass
expect 5 'silent: ' "a guest without a word is noticed" \
	vm silent --append rdinit=/bench/silent
expect 1 'pass \(no end\) printed nothing' "... and fails its programs" \
	report "$OUT/silent"
guest endless pass
expect 5 'without the end marker' "a missing end marker is noticed" \
	vm endless --append rdinit=/bench/endless
guest spin pass
expect 4 'timed out: .*before its init said anything' "an init that hangs is killed" \
	vm spin --append rdinit=/bench/spin --timeout 2
guest absent pass
echo 'absent 2 /bench/misbehave pass' >>"$OUT/absent.manifest"
expect 5 'no evidence: absent never began' "a program that did not run is noticed" \
	vm absent

# ---- the scripts themselves -------------------------------------------------

expect 2 'no such kernel' "a missing kernel is a set-up error" \
	vm well --kernel "$OUT/none"
expect 2 'no such manifest' "a missing manifest is a set-up error" \
	vm well --manifest "$OUT/none"
# What no guest here says: one line of each kind, and lines that are no trouble.
while read -r line; do
	expect 0 . "bad on a console: ${line//#}" bad "$line"
done <<'EOF'
BUG: KASAN: slab-use-after-free in ptrace_attach+0x12/0x34
UBSAN: shift-out-of-bounds in kernel/ptrace.c:12:3
WARNING: possible circular locking dependency detected
WARNING: kernel/ptrace.c:12 at ptrace_attach+0x12/0x34, CPU 1: init/1
WARNING: ../../tree/7.3/kernel/ptrace.c:12 at ptrace_attach+0x12/0x34, CPU#1: init/1
rcu: INFO: rcu_preempt self-detected stall on CPU
INFO: task prog:57 blocked for more than 60 seconds.
watchdog: BUG: soft lockup - CPU 1 stuck for 22s! [prog:57]
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000
Oops: general protection fault, probably for non-canonical address: 0000 [#1] SMP
kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
ODEBUG: free active (active state 0) object: 00000000 object type: timer_list
list_del corruption. prev->next should be ffff888000000000
refcount_t: underflow; use-after-free.
EOF
while read -r line; do
	expect 1 '^$' "no trouble on a console: $line" bad "$line"
done <<'EOF'
traps: prog[57] general protection fault ip:401136 sp:7ffc0000 error:0 in prog[401000+1000]
prog[57]: segfault at 0 ip 0000000000401136 sp 00007ffc00000000 error 4
Spectre V2 : WARNING: Unprivileged eBPF is enabled with eIBRS on
ODEBUG: selftest passed
Kernel command line: console=ttyS0 DEBUG:1 panic=-1
EOF

expect 2 'dynamically linked' "a dynamically linked program is refused" \
	initrd well --file "/bench/x=/bin/bash"
expect 2 'no such file' "a missing program is refused" \
	initrd well --file "/bench/x=$OUT/none"

interrupt vm INT 130 "Ctrl-C leaves no QEMU"
interrupt vm KILL 137 "a killed vm leaves no QEMU"
interrupt qemu KILL 3 "a QEMU that dies is noticed"

cp "$OUT/well.manifest" "$OUT/shell.manifest"
initrd shell --busybox
expect 0 '^6 times 7 is 42' "the guest's shell reads a pipe" \
	vm shell --shell --timeout 10 <<<'echo 6 times 7 is $((6 * 7))'
