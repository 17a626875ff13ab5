/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is not the same on all architectures, each with the words of the SKIP().
 * Registers and system call numbers are not here: where a test needs them it asks
 * PTRACE_GET_SYSCALL_INFO, which knows.
 */
#ifndef GROUP_STOP_ARCH_H
#define GROUP_STOP_ARCH_H

#include <signal.h>
#include <stdbool.h>

/* Why PTRACE_SINGLESTEP is EIO here, or NULL. */
static inline const char *lacks_single_step(void)
{
#ifdef __riscv
	return "no single-step on riscv";
#else
	return NULL;
#endif
}

/* Whether @si is that of a single-step which has brought a task to @ip. */
static inline bool is_single_step(const siginfo_t *si, unsigned long ip)
{
	if (si->si_signo != SIGTRAP)
		return false;
#ifdef __s390__
	/* the event of a debug facility, at the instruction that was stepped over */
	return si->si_code == TRAP_HWBKPT && si->si_addr;
#else
	return si->si_code == TRAP_TRACE && (unsigned long)si->si_addr == ip;
#endif
}

#endif /* GROUP_STOP_ARCH_H */
