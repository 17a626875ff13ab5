/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kselftest harness of the kernel tree that the tests are built against. The programs
 * of kernel/ include "../kselftest_harness.h", as they do in a kernel tree; here they get
 * this file.
 *
 * In Linux 6.1 a SKIP() in FIXTURE_SETUP() does not keep the test from running. There a
 * skipped setup counts as one that failed; the result is "skip" all the same.
 * __test_passed() is not there yet, either.
 */
#include <kselftest_harness.h>

#ifndef KSELFTEST_PRIO_TEST
#undef SKIP
#define SKIP(statement, fmt, ...) do {					\
	snprintf(_metadata->results->reason,				\
		 sizeof(_metadata->results->reason), fmt, ##__VA_ARGS__); \
	TH_LOG("SKIP %s", _metadata->results->reason);			\
	_metadata->passed = 0;						\
	_metadata->skip = 1;						\
	_metadata->trigger = 0;						\
	statement;							\
} while (0)

#define __test_passed(metadata)	((metadata)->passed)
#endif
