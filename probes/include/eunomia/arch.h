/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Everything that depends on the architecture: registers, system call numbers, flag values. Numbers come in pairs, the
 * 64-bit ABI's and that of 32-bit calls (int 0x80 on x86, AArch32 on arm64); -1 where an ABI has no such call.
 */
#ifndef EUNOMIA_ARCH_H
#define EUNOMIA_ARCH_H

#if defined(__TARGET_ARCH_x86)

#ifndef __VMLINUX_H__
struct pt_regs {
	unsigned long r10, r9, r8, dx, si, di, bx, cx, bp, orig_ax;
} KERNEL;
#endif

#define TS_COMPAT 2 /* thread_info.status: the task is in a 32-bit system call */

static __always_inline int arch_call_number(const struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, orig_ax) & 0x3fffffff; /* without the mark of x32 calls */
}

static __always_inline bool arch_call_is_compat(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT;
}

#define ARCH_ARGUMENT_0(from) (BPF_CORE_READ(from, di))
#define ARCH_ARGUMENT_1(from) (BPF_CORE_READ(from, si))
#define ARCH_ARGUMENT_2(from) (BPF_CORE_READ(from, dx))
#define ARCH_ARGUMENT_3(from) (BPF_CORE_READ(from, r10))
#define ARCH_COMPAT_0(from)   (BPF_CORE_READ(from, bx))
#define ARCH_COMPAT_1(from)   (BPF_CORE_READ(from, cx))
#define ARCH_COMPAT_2(from)   (BPF_CORE_READ(from, dx))
#define ARCH_COMPAT_3(from)   (BPF_CORE_READ(from, si))

#define ARCH_O_DIRECT         0040000
#define ARCH_O_LARGEFILE      0100000
#define ARCH_O_DIRECTORY      0200000
#define ARCH_O_NOFOLLOW       0400000

#define CALL_open             2, 5
#define CALL_creat            85, 8
#define CALL_openat           257, 295
#define CALL_openat2          437, 437
#define CALL_connect          42, 362
#define CALL_accept           43, -1
#define CALL_accept4          288, 364
#define CALL_socketcall       -1, 102

#elif defined(__TARGET_ARCH_arm64)

#ifndef __VMLINUX_H__
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
} KERNEL;
#endif

#define TIF_32BIT             22 /* thread_info.flags: a 32-bit task */

static __always_inline int arch_call_number(const struct pt_regs *regs)
{
	return BPF_CORE_READ(regs, syscallno);
}

static __always_inline bool arch_call_is_compat(struct task_struct *task)
{
	return BPF_CORE_READ(task, thread_info.flags) >> TIF_32BIT & 1;
}

#define ARCH_ARGUMENT_0(from) (BPF_CORE_READ(from, orig_x0)) /* x0 holds the result by then */
#define ARCH_ARGUMENT_1(from) (BPF_CORE_READ(from, regs[1]))
#define ARCH_ARGUMENT_2(from) (BPF_CORE_READ(from, regs[2]))
#define ARCH_ARGUMENT_3(from) (BPF_CORE_READ(from, regs[3]))
#define ARCH_COMPAT_0(from)   ARCH_ARGUMENT_0(from)
#define ARCH_COMPAT_1(from)   ARCH_ARGUMENT_1(from)
#define ARCH_COMPAT_2(from)   ARCH_ARGUMENT_2(from)
#define ARCH_COMPAT_3(from)   ARCH_ARGUMENT_3(from)

#define ARCH_O_DIRECTORY      0040000
#define ARCH_O_NOFOLLOW       0100000
#define ARCH_O_DIRECT         0200000
#define ARCH_O_LARGEFILE      0400000

#define CALL_open             -1, 5
#define CALL_creat            -1, 8
#define CALL_openat           56, 322
#define CALL_openat2          437, 437
#define CALL_connect          203, 283
#define CALL_accept           202, 285
#define CALL_accept4          242, 366
#define CALL_socketcall       -1, -1

#else
#error "compile with -D__TARGET_ARCH_x86 or -D__TARGET_ARCH_arm64"
#endif

#endif
