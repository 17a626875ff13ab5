# shellcheck shell=bash
# Of check-bench: what scripts/measure/ makes of its figures.

# figures [MORE...]: lines of three runs that meet every target that can be met without a guest
# ever having been started; there are RUNS if that is set. Each MORE is "name way stat
# factor", and multiplies a figure; noise moves all of a kind together. "name way stat factor run"
# is of that run alone.
figures()
{
	awk -v more="$(printf '%s\n' "$@")" -v runs="${RUNS:-3}" '
		function put(group, name, way, stat, unit, value,	run) {
			for (run = 1; run <= runs; run++)
				print "RESULT", group, name, way, stat, unit,
					value * (1 + (run - (runs + 1) / 2) * noise[group]) * \
					((name, way, stat) in factor ? factor[name, way, stat] : 1) * \
					((name, way, stat, run) in factor ? factor[name, way, stat, run] : 1)
		}
		BEGIN {
			noise["buys"] = 0.01
			noise["costs"] = 0.0001
			n = split(more, line, "\n")
			for (i = 1; i <= n; i++)
				if (split(line[i], w, " ") == 4)
					factor[w[1], w[2], w[3]] = w[4]
				else if (split(line[i], w, " ") == 5)
					factor[w[1], w[2], w[3], w[5]] = w[4]
			split("notify listen", way, " ")
			split("median p99", stat, " ")
			for (i = 1; i <= 2; i++) {
				for (j = 1; j <= 2; j++) {
					put("buys", "stop+reads", way[i], stat[j], "ns", 50000 * j)
					put("buys", "cont+reads", way[i], stat[j], "ns", 40000 * j)
				}
				put("buys", "inspect", way[i], "median", "ns", i == 1 ? 5000 : 150000)
				put("buys", "threads-100", way[i], "median", "ns", 3000000)
				put("buys", "threads-1000", way[i], "median", "ns", 30000000)
				put("buys", "threads-4000", way[i], "median", "ns", 120000000)
				put("buys", "threads-4000", way[i] "-any", "median", "ns", 130000000)
				print "HIST stop", way[i], "50000:3 60000:1"
				print "HIST cont+reads", way[i] "-no-siginfo", "70000:3 80000:1"
				print "HIST stop", way[i], "60000:2"
			}
			for (i = split("getsiginfo both", q, " "); i; i--)
				for (j = split("notify notify-by-tracer notify-by-sender", w, " "); j; j--) {
					put("buys", "calm-" q[i], w[j], "rate", "per-second", 200000)
					put("buys", "storm-" q[i], w[j], "rate", "per-second", 50000)
				}
			for (i = split("unpatched patched", k, " "); i; i--) {
				for (j = split("fork-exit signal-self signal-other sigsuspend " \
					       "stop-cont traced-syscall single-step wait-scan " \
					       "wait-scan-traced wait-scan-trapped wait-reap", cost, " ");
				     j; j--)
					put("costs", cost[j], k[i], "instructions", "per-iteration", 1000 * j)
				put("sizes", "task_struct", k[i], "size", "bytes", 6656)
				put("sizes", "signal.o", k[i], "code", "bytes", 29000 + 1000 * (i - 1))
				put("sizes", "ptrace.o", k[i], "code", "bytes", 8000)
				put("sizes", "exit.o", k[i], "code", "bytes", 9000)
				put("sizes", "fork.o", k[i], "code", "bytes", 9000)
			}
		}'
}

# bench_of NAME [MORE...]: $OUT/NAME.json of them.
bench_of()
{
	local name=$1

	shift
	figures "$@" | "$TOP/scripts/measure/json" "$OUT/about" >"$OUT/$name.json"
}

# shellcheck disable=SC2120	# expect hands it arguments
judged()
{
	bench_of judged "$@" && "$TOP/scripts/measure/report" "$OUT/judged.json"
}

compared()
{
	RUNS=5 bench_of other "$@" && "$TOP/scripts/measure/compare" "$OUT/good.json" "$OUT/other.json"
}

one_run()
{
	RUNS=1 judged
}

# lacking NAME: without the figures of that.
lacking()
{
	jq --arg name "$1" 'del(.results[] | select(.name == $name))' "$OUT/good.json" \
		>"$OUT/lacking.json" && "$TOP/scripts/measure/report" "$OUT/lacking.json"
}

# about PATH VALUE: what the next figures say of how they were measured.
about()
{
	jq -c "$1 = $2" "$OUT/about" >"$OUT/about.new"
	mv "$OUT/about.new" "$OUT/about"
}

# garbled VALUE: a line that no measurement prints.
garbled()
{
	{ figures; echo "RESULT buys inspect notify median ns $1"; } |
		"$TOP/scripts/measure/json" "$OUT/about" 2>&1
}

page()
{
	"$TOP/scripts/measure/report" --html "$OUT/bench.html" "$OUT/good.json" >/dev/null &&
		! grep -E '<(script|link|img)|(src|href)="?https?:' "$OUT/bench.html" &&
		grep -c '</svg>' "$OUT/bench.html"
}

echo '{"date":"2026-11-22", "base":"6.12", "host":"none", "accel":"tcg", "runs":3,
	"load":"0.5", "quick":false, "config_differs":[], "groups":["buys", "costs", "sizes"]}' >"$OUT/about"
bench_of good
expect 0 '^inspect, median +5 us +150 us' "bench: the table" judged
expect 0 '^met: reading a stopped tracee.* 30 times \(runs: 30 times to 30 times; only 3 of them\)$' \
	"bench: targets that are met" judged
expect 0 '^2026-11-22; Linux 6.12; none; tcg; 3 runs; load of the host 0.5$' \
	"bench: when and where it was measured" judged
expect 0 '"buckets":\[\[50000,3\],\[60000,3\]\]' "bench: histograms of runs are added up" \
	jq -c '.histograms[0]' "$OUT/good.json"
expect 0 '^4$' "bench: a page of plots that needs nothing else" page
expect 1 '^MISSED: reading a stopped tracee.* 15 times \(' "bench: an inspection that is dear" \
	judged 'inspect notify median 2'
expect 1 '^MISSED: notification of cont, with reads, p99.* 1.06 \(' "bench: a late notification" \
	judged 'cont+reads notify p99 1.06'
expect 1 '^MISSED: time per thread.* 1.3 \(.* in threads-4000$' \
	"bench: threads that cost more the more there are" judged 'threads-4000 notify median 1.3'
expect 1 '^MISSED: time per thread.* 1.4 \(.* in threads-1000$' \
	"bench: a thousand threads that cost more" judged 'threads-1000 notify median 1.4'
expect 1 '^MISSED: 4,000 threads by wait4\(-1\).* 1.1 \(' "bench: a wait4(-1) that is slower" \
	judged 'threads-4000 notify-any median 1.1'
expect 1 '^MISSED: getsiginfo and getregset in a storm.* 0.075 \(.* in notify-by-sender$' \
	"bench: a storm that drowns requests" judged 'storm-both notify-by-sender rate 0.3'
expect 1 '^MISSED: no benchmark more than.* 0.6 % \(.* in signal-self$' "bench: more instructions" \
	judged 'signal-self patched instructions 1.006'
expect 1 '^MISSED: task_struct.* 6656 to 6722.56 bytes$' "bench: a larger task_struct" \
	judged 'task_struct patched size 1.01'
expect 1 '^MISSED: at most 1,536 bytes.* 1600 bytes$' "bench: more code" \
	judged 'ptrace.o patched code 1.075'
expect 5 '^not judged: noise: notification of stop, with reads, median.* 1.03 \(runs: 0.927 to 1.133; only 3' \
	"bench: runs on both sides of a limit" judged 'stop+reads notify median 1.03' \
	'stop+reads notify median 0.9 1' 'stop+reads notify median 1.1 3'
expect 5 '^met: reading a stopped tracee.* 30 times \(one run: nothing is known of noise\)$' \
	"bench: one run has no noise" one_run
expect 5 '^not measured: instruction counts.*: one run repeats nothing$' \
	"bench: one run repeats nothing" one_run
about .config_differs '["CONFIG_X=y"]'
expect 5 '^not judged: the configurations differ: task_struct' "bench: kernels not comparable" \
	judged 'task_struct patched size 1.01'
about .config_differs null
expect 5 '^not judged: it is not known whether the configurations differ: task_struct' \
	"bench: kernels of which that is not known" judged
about .config_differs '[]'
about .quick true
expect 5 '^not judged: --quick: reading a stopped tracee' "bench: few samples decide nothing" judged
expect 5 '^not judged: --quick: no benchmark more' "bench: ... not of instructions either" judged
expect 5 '^2026-11-22;.*few samples \(--quick\)' "bench: ... and it is said" judged
about .quick false
expect 5 '^not measured: time per thread.*: no figure of threads-4000$' \
	"bench: a figure that is missing is no success" lacking threads-4000
expect 5 '^not measured: no benchmark more.*: no figure of wait-scan-trapped$' \
	"bench: nor is a benchmark" lacking wait-scan-trapped
expect 5 '^not measured: at most 1,536 bytes.*: no figure of exit.o, unpatched, exit.o, patched$' \
	"bench: nor is an object" lacking exit.o
expect 0 '^not in this run \(make measure WHAT=itself\): make check, cold' \
	"bench: what was not asked for is listed" judged
expect 2 'lines are not as they should be' "bench: a line that is garbled" garbled fast
expect 2 'a time that is negative' "bench: an event known before it was" garbled -5
bench_of three
RUNS=5 bench_of good
expect 0 '^[0-9]+ figures compared, 0 differ, about 0.4 would by chance$' "bench-compare: the same" \
	compared
expect 0 ' 0 differ' "bench-compare: a difference within noise" \
	compared 'inspect notify median 1.02' 'fork-exit patched instructions 1.0001'
expect 0 '^differs: buys inspect notify median: 5 us to 5.5 us, \+10 %, runs 4.9 us to 5.1 us and ' \
	"bench-compare: a difference beyond noise" compared 'inspect notify median 1.1'
expect 0 ' 0 differ' "bench-compare: ... in all runs but one" \
	compared 'inspect notify median 1.1' 'inspect notify median 0.9 1'
expect 0 '^differs: costs fork-exit patched instructions:.* \+0.1 %' \
	"bench-compare: a small one where there is less noise" \
	compared 'fork-exit patched instructions 1.001'
expect 0 '^differs: sizes exit.o patched code: 9000 to 9000.9, ' "bench-compare: a size" \
	compared 'exit.o patched code 1.0001'
expect 0 ' 0 differ, about 0 would by chance; [0-9]+ not compared: too few runs' \
	"bench-compare: too few runs" "$TOP/scripts/measure/compare" "$OUT/good.json" "$OUT/three.json"
expect 2 'no measure.json of format 1' "bench-compare: another file is refused" \
	"$TOP/scripts/measure/compare" "$OUT/good.json" "$OUT/about"
