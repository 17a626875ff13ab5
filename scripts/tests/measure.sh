# shellcheck shell=bash
# Of check-bench: what scripts/measure/ makes of its figures.

unset RUNS	# of a user or of scripts/measure/measure: the tests set their own

# figures [MORE...]: lines of three runs that meet every target that can be met without a guest
# ever having been started; there are RUNS if that is set. Each MORE is name,way,stat,factor and
# multiplies a figure; noise moves all of a kind together. name,way,stat,factor,run is of that run
# alone.
figures()
{
	printf 'HIST %s\n' "stop "{notify,listen}" "{"50000:3 60000:1",60000:2} \
		"cont+reads "{notify,listen}"-no-siginfo 70000:3 80000:1"
	printf '%s\n' buys:{stop,cont}+reads:{notify,listen}:{median,p99}:ns:50000 \
		buys:inspect:{notify:median:ns:5000,listen:median:ns:150000} \
		buys:threads-100:{notify,listen}:median:ns:3000000 \
		buys:threads-1000:{notify,listen}:median:ns:30000000 \
		buys:threads-4000:{notify,listen}:median:ns:120000000 \
		buys:threads-4000:{notify,listen}-any:median:ns:130000000 \
		buys:calm-{getsiginfo,both}:notify{,-by-tracer,-by-sender}:rate:per-second:200000 \
		buys:storm-{getsiginfo,both}:notify{,-by-tracer,-by-sender}:rate:per-second:50000 \
		costs:{fork-exit,stop-cont,single-step}:{un,}patched:instructions:per-iteration:1000 \
		costs:sig{nal-self,nal-other,suspend}:{un,}patched:instructions:per-iteration:3000 \
		costs:traced-syscall:{un,}patched:instructions:per-iteration:5000 \
		costs:wait-{scan{,-traced,-trapped},reap}:{un,}patched:instructions:per-iteration:9000 \
		sizes:task_struct:{un,}patched:size:bytes:6656 \
		sizes:signal.o:{unpatched:code:bytes:29000,patched:code:bytes:30000} \
		sizes:ptrace.o:{un,}patched:code:bytes:8000 \
		sizes:{exit,fork}.o:{un,}patched:code:bytes:9000 |
		awk -F: -v more="$*" -v runs="${RUNS:-3}" '
		function factor_of(key) { return key in factor ? factor[key] : 1 }
		BEGIN {
			noise["buys"] = 0.01
			noise["costs"] = 0.0001
			for (n = split(more, each, " "); n; n--) {
				split(each[n], w, ",")
				factor[w[1] ":" w[2] ":" w[3] ":" w[5]] = w[4]
			}
		}
		{
			key = $2 ":" $3 ":" $4 ":"
			for (run = 1; run <= runs; run++)
				print "RESULT", $1, $2, $3, $4, $5, $6 * factor_of(key) * factor_of(key run) \
					* (1 + (run - (runs + 1) / 2) * noise[$1])
		}'
}

# bench_of NAME [MORE...]: NAME.json of them, measured as the file ABOUT says [about].
bench_of() { figures "${@:2}" | "$TOP/scripts/measure/json" "${ABOUT:-about}" >"$1.json"; }

# judged [MORE...]: the report on them.
judged() { bench_of judged "$@" && "$TOP/scripts/measure/report" judged.json; }

# about FILTER [MORE...]: the same, if FILTER changes how they were measured.
about() { jq -c "$1" about >about.changed && ABOUT=about.changed judged "${@:2}"; }

one_run() { RUNS=1 judged; }

compare() { "$TOP/scripts/measure/compare" "$@"; }

# compared [MORE...]: five runs as they are, and five with MORE.
compared() { RUNS=5 bench_of other "$@" && compare good.json other.json; }

# lacking NAME: the report without the figures of that.
lacking()
{
	jq --arg name "$1" 'del(.results[] | select(.name == $name))' good.json >lacking.json &&
		"$TOP/scripts/measure/report" lacking.json
}

# garbled VALUE: a line that no measurement prints.
garbled()
{
	{ figures; echo "RESULT buys inspect notify median ns $1"; } | "$TOP/scripts/measure/json" about
}

page()
{
	"$TOP/scripts/measure/report" --html bench.html good.json >/dev/null &&
		! grep -E '<(script|link|img)|(src|href)="?https?:' bench.html &&
		grep -c '</svg>' bench.html
}

echo '{"date":"2026-11-22", "base":"6.12", "host":"none", "accel":"tcg", "runs":3, "load":"0.5",
	"quick":false, "config_differs":[], "groups":["buys", "costs", "sizes"]}' >about
bench_of good
expect_all "bench: " <<'EOF'
0|judged|the table|^inspect, median +5 us +150 us
0|judged|targets that are met|
	^met: reading a stopped tracee.* 30 times \(runs: 30 times to 30 times; only 3 of them\)$
0|judged|when and where|^2026-11-22; Linux 6.12; none; tcg; 3 runs; load of the host 0.5$
0|jq -c .histograms[0] good.json|histograms are added up|"buckets":\[\[50000,3\],\[60000,3\]\]
0|page|a page of plots that needs nothing else|^4$
1|judged inspect,notify,median,2|a dear inspection|^MISSED: reading a stopped tracee.* 15 times \(
1|judged cont+reads,notify,p99,1.06|a late notification|
	^MISSED: notification of cont, with reads, p99.* 1.06 \(
1|judged threads-4000,notify,median,1.3|threads that cost more the more there are|
	^MISSED: time per thread.* 1.3 \(.* in threads-4000$
1|judged threads-1000,notify,median,1.4|a thousand threads that cost more|
	^MISSED: time per thread.* 1.4 \(.* in threads-1000$
1|judged threads-4000,notify-any,median,1.1|a wait4(-1) that is slower|
	^MISSED: 4,000 threads by wait4\(-1\).* 1.1 \(
1|judged storm-both,notify-by-sender,rate,0.3|a storm that drowns requests|
	^MISSED: getsiginfo and getregset in a storm.* 0.075 \(.* in notify-by-sender$
1|judged signal-self,patched,instructions,1.006|more instructions|
	^MISSED: no benchmark more than.* 0.6 % \(.* in signal-self$
1|judged task_struct,patched,size,1.01|a larger task|^MISSED: task_struct.* 6656 to 6722.56 bytes$
1|judged ptrace.o,patched,code,1.075|more code|^MISSED: at most 1,536 bytes.* 1600 bytes$
5|judged stop+reads,notify,median,1.03 stop+reads,notify,median,.9,1 stop+reads,notify,median,1.1,3|
	runs on both sides of a limit|
	^not judged: noise: notification of stop, with .* 1.03 \(runs: 0.927 to 1.133; only 3
5|one_run|one run: no noise|
	^met: reading a stopped tracee.* 30 times \(one run: nothing is known of noise\)$
5|one_run|one run repeats nothing|^not measured: instruction counts.*: one run repeats nothing$
5|about .config_differs=["CONFIG_X=y"] task_struct,patched,size,1.01|kernels not comparable|
	^not judged: the configurations differ: task_struct
5|about .config_differs=null task_struct,patched,size,1.01|kernels of which that is not known|
	^not judged: it is not known whether the configurations differ: task_struct
5|about .quick=true|few samples decide nothing|^not judged: --quick: reading a stopped tracee
5|about .quick=true|... not of instructions either|^not judged: --quick: no benchmark more
5|about .quick=true|... and it is said|^2026-11-22;.*few samples \(--quick\)
5|lacking threads-4000|a figure that is missing is no success|
	^not measured: time per thread.*: no figure of threads-4000$
5|lacking wait-scan-trapped|nor is a benchmark|
	^not measured: no benchmark more.*: no figure of wait-scan-trapped$
5|lacking exit.o|nor is an object|
	^not measured: at most 1,536 bytes.*: no figure of exit.o, unpatched, exit.o, patched$
0|judged|what is not asked for|^not in this run \(make measure WHAT=itself\): make check, cold
2|garbled fast|a line that is garbled|lines are not as they should be
2|garbled -5|an event known before it was|a time that is negative
EOF
bench_of three
RUNS=5 bench_of good
expect_all "bench-compare: " <<'EOF'
0|compared|the same|^[0-9]+ figures compared, 0 differ, about 0.4 would by chance$
0|compared inspect,notify,median,1.02 fork-exit,patched,instructions,1.0001|within noise| 0 differ
0|compared inspect,notify,median,1.1|beyond noise|
	^differs: buys inspect notify median: 5 us to 5.5 us, \+10 %, runs 4.9 us to 5.1 us and 
0|compared inspect,notify,median,1.1 inspect,notify,median,0.9,1|... in all runs but one| 0 differ
0|compared fork-exit,patched,instructions,1.001|a small one where there is less noise|
	^differs: costs fork-exit patched instructions:.* \+0.1 %
0|compared exit.o,patched,code,1.0001|a size|^differs: sizes exit.o patched code: 9000 to 9000.9, 
0|compare good.json three.json|too few runs|
	 0 differ, about 0 would by chance; [0-9]+ not compared: too few runs
2|compare good.json about|another file is refused|no measure.json of format 1
EOF
