// SPDX-License-Identifier: GPL-2.0
/*
 * Says on the console that init has been reached, and ends the guest if it is PID 1: to
 * measure how long a guest takes to get there which has no results port. Started as a
 * program of the manifest it prints TAP.
 */
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	if (getpid() != 1) {
		puts("ok 1 - init got here\n1..1");
		return 0;
	}
	/* nothing is buffered: PID 1 does not get to flush anything */
	if (write(1, "mark: init\n", 11) != 11)
		return 1;
	reboot(RB_AUTOBOOT);
	return 1;
}
