/* SPDX-License-Identifier: GPL-2.0 */
/* glibc 2.15 to 2.26: the name is an enumerator. No macro may be in effect here. */
#include_next <sys/ptrace.h>
#ifndef OLD_PTRACE
#define OLD_PTRACE
enum ptrace_flags_of_old { PTRACE_SEIZE_DEVEL = 0x80000000 };
#endif
