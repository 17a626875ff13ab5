# What report and compare share: how to read a measure.json. For jq -L scripts/measure: include "measure";

# A way as the name of a datablock of gnuplot, which takes no "-".
def datablock: "$" + gsub("-"; "_");

def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;

# the runs of a figure, null if it is not there
def runs($name; $way; $stat):
	first(.results[] | select(.name == $name and .way == $way and .stat == $stat) | .runs) // null;

def figure($name; $way; $stat): runs($name; $way; $stat) // [] | median;

# $a by $b, run by run, which are lists of runs; null if there is nothing to divide
def quotients($a; $b):
	if $a == null or $b == null then null
	else [$a, $b] | transpose | map(select(.[0] != null and .[1] != null and .[1] != 0) | .[0] / .[1]) |
		if length == 0 then null else . end
	end;

# what $way has divided by what $by has, run by run
def ratios($name; $way; $by; $stat):
	quotients(runs($name; $way; $stat); runs($name; $by; $stat));

# the largest of [{ name, runs }, ...] by the median; null if one of them has no runs: what was
# not measured might have been the worst
def largest:
	if length == 0 or any(.[]; .runs == null) then null else max_by(.runs | median) end;
def smallest:
	if length == 0 or any(.[]; .runs == null) then null else min_by(.runs | median) end;

def round_to($digits):
	if . == null then "-" else
		pow(10; $digits) as $p | . * $p | round / $p | tostring
	end;

# a figure as a person reads it
def human($unit):
	if . == null then "-"
	elif $unit == "ns" then
		if . < 1000 then "\(round_to(0)) ns"
		elif . < 1000000 then "\(. / 1000 | round_to(1)) us"
		else "\(. / 1000000 | round_to(2)) ms" end
	elif $unit == "s" then "\(round_to(2)) s"
	elif $unit == "per-second" then "\(round_to(0)) /s"
	elif $unit == "per-event" then round_to(2)
	else round_to(1) end;

# names of the benchmarks of what it costs, in order
def costs: [.results[] | select(.group == "costs" and .stat == "instructions") | .name] |
	reduce .[] as $n ([]; if index([$n]) then . else . + [$n] end);

# what cost.c measures, all of it
def expected: ["fork-exit", "signal-self", "signal-other", "sigsuspend", "stop-cont",
	"traced-syscall", "single-step", "wait-scan", "wait-scan-traced", "wait-scan-trapped",
	"wait-reap"];

# what the series changes
def objects: ["signal.o", "ptrace.o", "exit.o", "fork.o"];

# how much of instructions patched has more, as fractions, one a run
def mores($name):
	ratios($name; "patched"; "unpatched"; "instructions") |
	if . == null then null else map(. - 1) end;

# ... and the median of it
def more($name): mores($name) | if . == null then null else median end;

# (largest - smallest) / median
def spread: if . == null or length < 2 then null else (max - min) / median end;

def percent($digits): if . == null then "-" else "\(. * 100 | round_to($digits)) %" end;

# the runs of a figure as a person reads them; f makes a text of each
def with_runs(f):
	"\(median | f)" +
	(if length == 1 then " (one run: nothing is known of noise)"
	 else " (runs: \(min | f) to \(max | f)" +
		(if length < 4 then "; only \(length) of them)" else ")" end) end);

# Does noise hide on which side of $limit the median is? Yes if the runs are on both sides, and
# the median is not farther from it than half of what they spread.
def hidden_by_noise($limit):
	min < $limit and max > $limit and ((median - $limit) | fabs) < (max - min) / 2;

# {group, target, figure, verdict}: the targets of the project, and what became of them. $runs
# is the figure in each run, "at most" or "at least" the $sense of its $limit. A figure that is
# missing is "not measured"; "not judged" is what says nothing about the series.
def judge($group; $target; $runs; $sense; $limit; $text):
	{ group: $group, target: $target, figure: $text,
	  verdict: (
		.about as $about |
		if $runs == null then "not measured"
		elif ($group == "costs" or $group == "sizes") and $about.config_differs != [] then
			if $about.config_differs == null then
				"not judged: it is not known whether the configurations differ"
			else "not judged: the configurations differ" end
		# instructions neither: in few iterations a tick of the timer, or none, is a percent
		elif ($group == "buys" or $group == "costs") and $about.quick == true then
			"not judged: --quick"
		elif $runs | hidden_by_noise($limit) then "not judged: noise"
		elif $runs | median | if $sense == "at most" then . <= $limit else . >= $limit end then "met"
		else "MISSED" end) };

# the text of $runs, or what there is none of
def text($runs; f; $none): if $runs == null then $none else $runs | with_runs(f) end;

# the text of the worst of some
def text_of($worst; f; $none):
	if $worst == null then $none else "\(text($worst.runs; f; "")) in \($worst.name)" end;

# names in [{ name, runs }, ...] that have no runs, as a text
def lacking: map(select(.runs == null) | .name) | if length == 0 then "-" else "no figure of " + join(", ") end;

def targets:
	. as $b |
	(ratios("inspect"; "listen"; "notify"; "median") as $r |
		judge("buys"; "reading a stopped tracee: at least 20 times cheaper than with LISTEN";
			$r; "at least"; 20; text($r; "\(round_to(1)) times"; "-"))),
	(("stop", "cont") as $e | ("median", "p99") as $s |
		ratios("\($e)+reads"; "notify"; "listen"; $s) as $r |
		judge("buys"; "notification of \($e), with reads, \($s): at most 1.05 of LISTEN";
			$r; "at most"; 1.05; text($r; round_to(3); "-"))),
	([("1000", "4000") as $n | $b |
	  { name: "threads-\($n)",
	    runs: (quotients(runs("threads-\($n)"; "notify"; "median"); runs("threads-100"; "notify"; "median")) |
		   if . == null then null else map(. * 100 / ($n | tonumber)) end) }] as $all |
	 ($all | largest) as $worst |
		judge("buys"; "time per thread by wait4(tid), with 1,000 and 4,000: at most 1.25 of that with 100";
			$worst.runs; "at most"; 1.25; text_of($worst; round_to(2); $all | lacking))),
	(ratios("threads-4000"; "notify-any"; "listen-any"; "median") as $r |
		judge("buys"; "4,000 threads by wait4(-1): at most 1.05 of LISTEN";
			$r; "at most"; 1.05; text($r; round_to(3); "-"))),
	(("getsiginfo", "both") as $q |
	 [("notify", "notify-by-tracer", "notify-by-sender") as $w | $b |
	  { name: $w, runs: quotients(runs("storm-\($q)"; $w; "rate"); runs("calm-\($q)"; $w; "rate")) }] as $all |
	 ($all | smallest) as $worst | $b |
		judge("buys"; (if $q == "both" then "getsiginfo and getregset" else $q end) +
			" in a storm of SIGCONT, on any CPU: at least a tenth of the rate without";
			$worst.runs; "at least"; 0.1; text_of($worst; round_to(3); $all | lacking))),
	([expected[] as $n | $b | { name: $n, runs: mores($n) }] as $all | ($all | largest) as $worst |
		judge("costs"; "no benchmark more than 0.5 % more instructions";
			$worst.runs; "at most"; 0.005; text_of($worst; percent(2); $all | lacking))),
	([expected[] as $n | ("unpatched", "patched") as $w | $b |
	  { name: "\($n), \($w)", runs: runs($n; $w; "instructions") }] as $all |
	 (if $all | any(.[]; .runs == null) then null
	  else $all | map(. + { spread: (.runs | spread) }) | max_by(.spread) end) as $worst |
		judge("costs"; "instruction counts repeat to within 0.1 %";
			(if $worst.spread == null then null else [$worst.spread] end); "at most"; 0.001;
			(if $worst == null then $all | lacking
			 elif $worst.spread == null then "one run repeats nothing"
			 else "\($worst.spread | percent(3)) in \($worst.name), \($worst.runs | length) runs" end))),
	(figure("task_struct"; "patched"; "size") as $p | figure("task_struct"; "unpatched"; "size") as $u |
		judge("sizes"; "task_struct is not larger";
			(if $p and $u then [$p - $u] else null end); "at most"; 0;
			"\($u // "-") to \($p // "-") bytes")),
	([objects[] as $n | ("unpatched", "patched") as $w | $b |
	  { name: "\($n), \($w)", way: $w, runs: runs($n; $w; "code") }] as $all |
	 (if $all | any(.[]; .runs == null) then null
	  else $all | map((.runs | median) * (if .way == "patched" then 1 else -1 end)) | [add] end) as $d |
		judge("sizes"; "at most 1,536 bytes more of code"; $d; "at most"; 1536;
			(if $d == null then $all | lacking else "\($d[0]) bytes" end))),
	(["boot", "boot", "1.0", "QEMU to the guest's init"],
	 ["itself", "check-warm", "60", "make check, warm"],
	 ["itself", "check-cold", "1500", "make check, cold"],
	 ["itself", "edit", "90", "edit of signal.c to result"]) as [$g, $n, $limit, $what] |
		runs($n; "bench"; "time") as $r |
		judge($g; "\($what): at most \($limit) s"; $r; "at most"; ($limit | tonumber);
			text($r; human("s"); "-"));

# targets of what was asked for on which this run has nothing to say
def undecided: .about.groups as $g |
	[targets | select(.verdict | startswith("not ")) | select(.group as $t | $g | index($t))];

# when, where and how it was measured
def conditions: .about | [.date, "Linux \(.base)", .host, .accel,
	(if .runs == 1 then "1 run" else "\(.runs) runs" end),
	(if .load then "load of the host \(.load)" else "" end),
	(if .quick == true then "few samples (--quick), of little worth" else "" end)] |
	map(select(. != null and . != "")) | join("; ");

# a line for each target; of groups that were not asked for, that they were not
def verdicts: .about.groups as $g | targets |
	if .group as $t | $g | index($t) then "\(.verdict): \(.target): \(.figure)"
	else "not in this run (make measure WHAT=\(.group)): \(.target)" end;

# for a table: the figures of each row by the columns $ways
def rows($group; $ways):
	.results | map(select(.group == $group)) |
	reduce .[] as $r ({};
		"\($r.name) \($r.stat)" as $k |
		.[$k] = ((.[$k] // { name: $r.name, stat: $r.stat, unit: $r.unit, by: {} }) |
			 .by[$r.way] = ($r.runs | median))) |
	[.[]] | map(. + { cells: [$ways[] as $w | .by[$w]] } | select(any(.cells[]; . != null)));
