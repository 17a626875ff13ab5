# How a measure.json is made and read. For jq -L scripts/measure: include "measure";

# a measure.json of what measurements print, line by line: see scripts/measure/json
def gathered($about):
	def number: try tonumber catch error("no number: \(.)");
	reduce (inputs | select(. != "") | split(" ")) as $w ({ results: {}, histograms: {} };
		if $w[0] == "RESULT" and ($w | length) == 7 then
			if ($w[5] == "ns" or $w[5] == "s") and ($w[6] | number) < 0 then
				error("a time that is negative: \($w | join(" "))")
			else . end |
			($w[1:5] | join(" ")) as $key |
			.results[$key] |= ((. // { group: $w[1], name: $w[2], way: $w[3], stat: $w[4],
						   unit: $w[5], runs: [] }) |
					   .runs += [$w[6] | number])
		elif $w[0] == "HIST" and ($w | length) > 3 then
			($w[1:3] | join(" ")) as $key |
			.histograms[$key] |= (. // { name: $w[1], way: $w[2], buckets: {} }) |
			reduce $w[3:][] as $b (.;
				($b | split(":")) as $pair |
				.histograms[$key].buckets[$pair[0]] += ($pair[1] | number))
		else error("no line of a measurement: \($w | join(" "))") end) |
	{ format: 1, about: $about,
	  results: [.results[]],
	  histograms: [.histograms[] |
		.buckets |= (to_entries | map([(.key | number), .value]) | sort)] };

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

# The figures of $group by the columns $ways, as lines of cells with a tab between them, and an empty
# line: a row for each name that f accepts and each of its statistics.
def table($title; $group; $ways; f):
	.results | map(select(.group == $group and (.name | f))) |
	reduce .[] as $r ({};
		"\($r.name) \($r.stat)" as $k |
		.[$k] = ((.[$k] // { name: $r.name, stat: $r.stat, unit: $r.unit, by: {} }) |
			 .by[$r.way] = ($r.runs | median))) |
	[.[]] | map(. + { cells: [$ways[] as $w | .by[$w]] } | select(any(.cells[]; . != null))) |
	select(length > 0) |
	([$title] + $ways | @tsv),
	(.[] | [.name + ", " + .stat] + [.unit as $unit | .cells[] | human($unit)] +
		if $group == "costs" or $group == "sizes" then
			[.cells | if all(. != null and . != 0) then .[1] / .[0] - 1 | percent(2) else "" end]
		else [] end | @tsv),
	"";

def tables:
	def storm: test("^(calm|storm)-");
	["bench", "notify-any", "listen-any", "listen-no-siginfo"] as $others |
	["unpatched", "patched"] as $kernels |
	table("WHAT IT BUYS"; "buys"; ["notify", "listen", "poll", "proc"]; storm | not),
	table("MORE WAYS"; "buys"; $others; storm | not),
	table("A STORM OF SIGCONT"; "buys"; ["notify", "notify-by-tracer", "notify-by-sender", "plain"]; storm),
	table("WHAT IT COSTS"; "costs"; $kernels; true),
	table("SIZES"; "sizes"; $kernels; true),
	table("THE BENCH ITSELF"; "bench"; $others; true);

# What follows makes commands for gnuplot, which prints a heading and an SVG element for each plot.

# a plot, of the commands that are the input
def plot($id; $title):
	"reset",
	"set terminal svg size 860,380 dynamic font \"sans-serif,13\" name \"\($id)\" background \"white\"",
	"set grid",
	"print \"<h2>\($title)</h2>\"",
	.[];

# the name of a way's data: gnuplot takes no "-"
def datablock: "$" + gsub("-"; "_");

# a plot of a curve for each way, of [{ way, points: ["x y", ...] }, ...]
def curves($id; $title; $style; $settings):
	select(length > 0) |
	[(.[] | (.way | datablock) + " << EOD", .points[], "EOD"), $settings[],
	 "plot " + (map(.way | "\(datablock) using 1:2 with \($style) linewidth 2 title \"\(.)\"") |
		    join(", "))] |
	plot($id; $title);

# how much of the samples is done after a time, for each way
def distribution($id; $name; $title):
	[.histograms[] | select(.name == $name) | ([.buckets[][1]] | add) as $all |
	 { way, points: [foreach .buckets[] as $b (0; . + $b[1];
		"\($b[0] / 1000) \(. / $all * 100)")] }] |
	curves($id; $title; "lines"; ["set logscale x", "set xlabel \"microseconds\"",
		"set ylabel \"percent of the events\"", "set yrange [0:100]", "set key bottom right"]);

def plots:
	"set encoding utf8", "set print \"-\"",
	distribution("stop"; "stop"; "From the start of a group stop to the tracer knowing it"),
	distribution("cont"; "cont"; "From SIGCONT to the tracer knowing it"),
	distribution("cont_reads"; "cont+reads"; "The same, and registers and memory read"),
	distribution("inspect"; "inspect"; "Registers and memory of a tracee that is stopped and watched"),
	([.results[] | select((.name | startswith("threads-")) and .stat == "median")] | group_by(.way) |
	 map({ way: .[0].way,
	       points: (map([(.name | ltrimstr("threads-") | tonumber), (.runs | median)]) | sort |
			map("\(.[0]) \(.[1] / .[0] / 1000)")) }) |
	 curves("threads"; "SIGCONT to many threads, all seized"; "linespoints"; ["set logscale xy",
		"set xlabel \"threads\"", "set ylabel \"microseconds a thread\"", "set key outside right"])),
	(. as $b | [costs[] as $n | $b | more($n) | select(. != null) | "\"\($n)\" \(. * 100)"] |
	 select(length > 0) |
	 ["$costs << EOD", .[], "EOD", "set style fill solid 0.6", "set boxwidth 0.6",
	  "set ylabel \"percent more instructions\"", "set xtics rotate by -25", "set yrange [:]",
	  "unset key",
	  "plot $costs using 0:2:xtic(1) with boxes, 0.5 with lines dashtype 2"] |
	 plot("costs"; "Instructions, patched against unpatched"));

# lines that tell what differs between two of them, and how many figures: see scripts/measure/compare
def compared($a; $b):
	def key: [.group, .name, .way, .stat] | join(" ");
	def by_key: [.results[] | { key: key, value: . }] | from_entries;
	def binomial($n; $k): reduce range(1; $k + 1) as $i (1; . * ($n - $k + $i) / $i);
	($a | by_key) as $old | ($b | by_key) as $new |
	[$old | keys_unsorted[] | select($new[.]) | . as $k |
	 { k: $k, unit: $old[$k].unit, a: $old[$k].runs, b: $new[$k].runs } |
	 .fixed = ($k | startswith("sizes ")) |
	 .ma = (.a | median) | .mb = (.b | median) |
	 .enough = (.fixed or ((.a | length) >= 4 and (.b | length) >= 4)) |
	 .chance = (if .fixed or (.enough | not) then 0
		    else 2 / binomial((.a | length) + (.b | length); .a | length) end) |
	 .differs = (.enough and
		if .fixed then (.a | unique) != (.b | unique)
		else (.a | max) < (.b | min) or (.b | max) < (.a | min) end)] as $all |
	(["host", "accel", "base", "runs", "quick"][] as $f |
	 select($a.about[$f] != $b.about[$f]) |
	 "not the same: \($f): \($a.about[$f]) and \($b.about[$f])"),
	($all[] | select(.differs) | .unit as $unit |
	 "differs: \(.k): \(.ma | human($unit)) to \(.mb | human($unit))" +
	 (if .ma != 0 then ", \(if .mb > .ma then "+" else "" end)\(.mb / .ma - 1 | percent(2))" else "" end) +
	 (if .fixed then "" else ", runs \(.a | min | human($unit)) to \(.a | max | human($unit)) and " +
		"\(.b | min | human($unit)) to \(.b | max | human($unit))" end)),
	($old | keys_unsorted[] | select($new[.] == null) | "only in A: \(.)"),
	($new | keys_unsorted[] | select($old[.] == null) | "only in B: \(.)"),
	($all | map(select(.enough | not)) | length) as $few |
	"\($all | map(select(.enough)) | length) figures compared, " +
	"\($all | map(select(.differs)) | length) differ, " +
	"about \($all | map(.chance) | add // 0 | round_to(1)) would by chance" +
	(if $few != 0 then "; \($few) not compared: too few runs (4 on each side are needed)" else "" end);
