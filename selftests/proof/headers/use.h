/* SPDX-License-Identifier: GPL-2.0 */
/* What a tracer says, and what an option mask in an int must not turn it into. */
#ifndef __cplusplus
#define static_assert _Static_assert
#endif
unsigned long devel(void) { return PTRACE_SEIZE_DEVEL | PTRACE_O_TRACECLONE; }
static_assert((unsigned long)PTRACE_SEIZE_DEVEL == 0x80000000UL, "value");
