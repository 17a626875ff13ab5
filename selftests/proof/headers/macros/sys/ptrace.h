/* SPDX-License-Identifier: GPL-2.0 */
/* musl: macros, with the kernel's values. */
#ifndef _SYS_PTRACE_H
#define _SYS_PTRACE_H
#include <mainline-macros.h>
#ifdef __cplusplus
extern "C"
#endif
long ptrace(int, ...);
#endif
