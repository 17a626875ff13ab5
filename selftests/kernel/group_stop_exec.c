// SPDX-License-Identifier: GPL-2.0
/*
 * What a tracee of the group stop selftests executes: see tracee_exec(). It adds 1 to
 * the count of thread 0 on the page of the tracee, and sleeps.
 */
#include "group_stop.h"

int main(void)
{
	struct tracee_page *page = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED,
					TRACEE_FD, 0);

	if (page == MAP_FAILED)
		return 1;
	__atomic_add_fetch(&page->count[0], 1, __ATOMIC_RELAXED);
	pause_forever(NULL);
	return 0;
}
