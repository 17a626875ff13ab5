/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is not the same on all architectures, each with the words of the SKIP().
 * Registers and system call numbers are not here: where a test needs them it asks
 * PTRACE_GET_SYSCALL_INFO, which knows.
 */
#ifndef GROUP_STOP_ARCH_H
#define GROUP_STOP_ARCH_H

/* Why PTRACE_SINGLESTEP is EIO here, or NULL. */
static inline const char *lacks_single_step(void)
{
#ifdef __riscv
	return "no single-step on riscv";
#else
	return NULL;
#endif
}

#endif /* GROUP_STOP_ARCH_H */
