# decode.pl: take the records of a guest apart as they come (see scripts/guest/init.c)
#
# usage: perl decode.pl START DIR STREAM VERBOSE <RECORDS
#
# Writes DIR/records, DIR/tap/NAME.tap and .status of each program, and DIR/times, in seconds from
# START on. STREAM and VERBOSE are --stream and V of scripts/guest/vm.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($start, $dir, $stream, $verbose) = @ARGV;
my $show = $stream eq "raw" ? *STDOUT : "$stream $verbose" eq "tap 1" ? *STDERR : undef;
my $tap;
sub create
{
	open(my $file, ">", "$dir/$_[0]") or die "vm: $dir/$_[0]: $!\n";
	$file->autoflush;
	return $file;
}
STDOUT->autoflush;
my ($records, $times) = (create("records"), create("times"));
while (<STDIN>) {
	print $records $_;
	my ($kind, $text) = /^([IBOCX]) (.*\n?)/ or next;
	if ($kind eq "I") {
		printf $times "boot %.2f\nguest %.2f\n", time - $start, $text;
	} elsif ($kind eq "B") {
		$tap = create("tap/" . $text =~ s/\n//r . ".tap");
	} elsif ($kind eq "X") {
		my ($name, $how) = split " ", $text, 2;
		print {create("tap/$name.status")} $how;
		print STDERR "vm: $text" if $stream eq "tap";
		$tap = undef;
	} elsif ($tap) {
		chomp $text if $kind eq "C";
		print $tap $text;
		print $show $text if $show;
	}
}
printf $times "total %.2f\n", time - $start;
