/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What depends on the architecture: registers, flag values, and the numbers of the system calls that probes may name.
 * Numbers come in pairs, that of the 64-bit ABI and that of 32-bit calls; -1 where an ABI has no such call. A call that
 * is missing here is one line more.
 */
#ifndef EUNOMIA_ARCH_H
#define EUNOMIA_ARCH_H

#if defined(__TARGET_ARCH_x86)
#include "arch/x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "arch/arm64.h"
#else
#error "compile with -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

#endif
