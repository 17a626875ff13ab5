# prove.pl: what prove's library makes of the programs of a run
#
# usage: TAP_DIR=DIR perl prove.pl TAP_REPORT VERBOSE NAME...
#
# "TAP_REPORT --replay NAME" runs in the place of each program. Prints prove's table to stderr, writes
# DIR/junit.xml, and prints a line "NAME PASSED FAILED SKIPPED" for each.
use strict;
use warnings;
use TAP::Harness;
use TAP::Formatter::JUnit;

my ($replay, $verbose, @names) = @ARGV;
my @exec = (exec => [$replay, "--replay"]);
open(my $xml, ">", "$ENV{TAP_DIR}/junit.xml") or die "$ENV{TAP_DIR}/junit.xml: $!\n";
TAP::Harness->new({ @exec, stdout => $xml,
	formatter_class => "TAP::Formatter::JUnit" })->runtests(@names);
my $all = TAP::Harness->new({ @exec, stdout => \*STDERR, color => -t STDERR,
	verbosity => $verbose eq "1" })->runtests(@names);
for my $p ($all->parsers(@names)) {
	my ($failed, $skipped) = (scalar $p->failed, scalar $p->skipped);
	my $passed = $p->passed - $skipped;
	# no test failed, but the plan or the end was wrong
	$failed = 1 if !$failed && ($p->has_problems || $p->todo_passed);
	my $name = shift @names;
	if ($p->skip_all && $p->skip_all eq "(no reason given)") {
		# "1..0": as for a test of another name than any that it has
		print STDERR "tap-report: $name ran no test\n";
		$failed = 1;
	}
	# "1..0 # SKIP": all of it
	$skipped = 1 if $p->skip_all && !$failed;
	print "$name $passed $failed $skipped\n";
}
