/* SPDX-License-Identifier: GPL-2.0 */
/* The usual way to build with older headers, too. */
#ifndef PTRACE_SEIZE_DEVEL
#define PTRACE_SEIZE_DEVEL 0x80000000
#endif
