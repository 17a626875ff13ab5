/* SPDX-License-Identifier: GPL-2.0 */
/* What the test program of 2011 has, in a tracer's own source. */
#define PTRACE_SEIZE_DEVEL 0x80000000
