# What scripts/bench-* share of how to read a bench.json. For jq -L scripts: include "bench";

def median: sort | if length == 0 then null else .[(length - 1) / 2 | floor] end;

# the runs of a figure, null if it is not there
def runs($name; $way; $stat):
	first(.results[] | select(.name == $name and .way == $way and .stat == $stat) | .runs) // null;

def figure($name; $way; $stat): runs($name; $way; $stat) // [] | median;

# median of what $way has divided by what $by has, run by run
def ratio($name; $way; $by; $stat):
	[runs($name; $way; $stat), runs($name; $by; $stat)] |
	if any(. == null) then null else transpose | map(select(all(. != null and . != 0)) | .[0] / .[1]) | median end;

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

# how much of instructions patched has more, as a fraction
def more($name):
	ratio($name; "patched"; "unpatched"; "instructions") | if . then . - 1 else null end;

# (largest - smallest) / median
def spread: if . == null or length < 2 then null else (max - min) / median end;

def percent($digits): if . == null then "-" else "\(. * 100 | round_to($digits)) %" end;

# {group, target, figure, verdict}: the targets of the project, and what became of them. A
# figure that is missing is "not measured", and one of two kernels that are not of the same
# configuration is "not judged".
def judge($group; $target; $value; $text; f):
	{ group: $group, target: $target, figure: $text,
	  verdict: (if $value == null then "not measured"
		    elif ($group == "costs" or $group == "sizes") and .about.config_differs != [] then
			"not judged: the configurations differ"
		    elif ($value | f) then "met" else "MISSED" end) };

def targets:
	. as $b |
	judge("buys"; "reading a stopped tracee: at least 20 times cheaper than with LISTEN";
		ratio("inspect"; "listen"; "notify"; "median");
		"\(ratio("inspect"; "listen"; "notify"; "median") | round_to(1)) times"; . >= 20),
	(("stop", "cont") as $e | ("median", "p99") as $s |
		ratio("\($e)+reads"; "notify"; "listen"; $s) as $r |
		judge("buys"; "notification of \($e), with reads, \($s): at most 1.05 of LISTEN";
			$r; ($r | round_to(3)); . <= 1.05)),
	(figure("threads-4000"; "notify"; "median") as $many |
	 figure("threads-100"; "notify"; "median") as $few |
	 (if $many and $few then $many / 4000 / ($few / 100) else null end) as $r |
		judge("buys"; "time per thread with 4,000: at most 1.25 of that with 100";
			$r; ($r | round_to(2)); . <= 1.25)),
	(("getsiginfo", "getregset") as $q |
	 ([runs("storm-\($q)"; "notify"; "storm"), runs("storm-\($q)"; "notify"; "calm")] |
	  if any(. == null) then null else transpose | map(.[0] / .[1]) | median end) as $r |
		judge("buys"; "\($q) in a storm of SIGCONT: at least a tenth of the rate without";
			$r; ($r | round_to(3)); . >= 0.1)),
	([costs[] as $n | $b | { name: $n, more: more($n) } | select(.more != null)] | max_by(.more)) as $worst |
		judge("costs"; "no benchmark more than 0.5 % more instructions";
			$worst; (if $worst then "\($worst.more | percent(2)) in \($worst.name)" else "-" end);
			.more <= 0.005),
	([costs[] as $n | ("unpatched", "patched") as $w | $b |
	  { name: "\($n), \($w)", spread: (runs($n; $w; "instructions") | spread) } |
	  select(.spread != null)] | max_by(.spread)) as $worst |
		judge("costs"; "instruction counts repeat to within 0.1 %";
			$worst; (if $worst then "\($worst.spread | percent(3)) in \($worst.name)" else "-" end);
			.spread <= 0.001),
	(figure("task_struct"; "patched"; "size") as $p | figure("task_struct"; "unpatched"; "size") as $u |
		judge("sizes"; "task_struct is not larger";
			(if $p and $u then $p - $u else null end); "\($u // "-") to \($p // "-") bytes"; . <= 0)),
	([.results[] | select(.group == "sizes" and .stat == "code" and (.name | endswith(".o"))) |
	  { way, code: (.runs | median) }] |
	  if length == 0 then null
	  else (map(select(.way == "patched").code) | add) - (map(select(.way == "unpatched").code) | add)
	  end) as $d |
		judge("sizes"; "at most 1,536 bytes more of code"; $d; "\($d // "-") bytes"; . <= 1536),
	(["boot", "boot", "1.0", "QEMU to the guest's init"],
	 ["itself", "check-warm", "60", "make check, warm"],
	 ["itself", "check-cold", "1500", "make check, cold"],
	 ["itself", "edit", "90", "edit of signal.c to result"]) as [$g, $n, $limit, $what] |
		figure($n; "bench"; "time") as $v |
		judge($g; "\($what): at most \($limit) s"; $v; ($v | human("s"));
			. <= ($limit | tonumber));

# for a table: the figures of each row by the columns $ways
def rows($group; $ways):
	.results | map(select(.group == $group)) |
	reduce .[] as $r ({};
		"\($r.name) \($r.stat)" as $k |
		.[$k] = ((.[$k] // { name: $r.name, stat: $r.stat, unit: $r.unit, by: {} }) |
			 .by[$r.way] = ($r.runs | median))) |
	[.[]] | map(. + { cells: [$ways[] as $w | .by[$w]] } | select(any(.cells[]; . != null)));
