/* SPDX-License-Identifier: GPL-2.0 */
/* bionic: <linux/ptrace.h> itself. */
#include <linux/ptrace.h>
#ifdef __cplusplus
extern "C"
#endif
long ptrace(int, ...);
