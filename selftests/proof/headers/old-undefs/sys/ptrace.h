/* SPDX-License-Identifier: GPL-2.0 */
/* As that, and what the header of arm64 does in part: undefine mainline's macros first. */
#include <mainline-undefs.h>
#include_next <sys/ptrace.h>
#ifndef OLD_PTRACE
#define OLD_PTRACE
enum ptrace_flags_of_old { PTRACE_SEIZE_DEVEL = 0x80000000 };
#endif
