/* SPDX-License-Identifier: GPL-2.0 */
/* What a tracer adds between the two headers, for a glibc of before 2.27. */
#undef PTRACE_SEIZE_DEVEL
