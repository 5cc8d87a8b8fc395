/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* x86-64. 32-bit calls are those of int 0x80 and of 32-bit programs; a process may mix both. */
#ifndef EUNOMIA_ARCH_X86_H
#define EUNOMIA_ARCH_X86_H

#ifndef __VMLINUX_H__
struct pt_regs {
	unsigned long r10, dx, si, di, bx, cx, orig_ax;
} KERNEL;
#endif

#define TS_COMPAT 2          /* thread_info.status: the task is in a 32-bit call */
#define X32_MARK  0x40000000 /* of the numbers of x32 calls, which are those of 64-bit ones otherwise */

static __always_inline int arch_call_number(const struct pt_regs *regs)
{
	return regs->orig_ax & (X32_MARK - 1);
}

static __always_inline bool arch_call_is_compat(void)
{
	return EUN_OF_CURRENT(thread_info.status) & TS_COMPAT;
}

#define ARCH_ARGUMENT_0(from)  ((from)->di)
#define ARCH_ARGUMENT_1(from)  ((from)->si)
#define ARCH_ARGUMENT_2(from)  ((from)->dx)
#define ARCH_ARGUMENT_3(from)  ((from)->r10)
#define ARCH_COMPAT_0(from)    ((from)->bx)
#define ARCH_COMPAT_1(from)    ((from)->cx)
#define ARCH_COMPAT_2(from)    ((from)->dx)
#define ARCH_COMPAT_3(from)    ((from)->si)

#define ARCH_O_DIRECT          0040000
#define ARCH_O_LARGEFILE       0100000
#define ARCH_O_DIRECTORY       0200000
#define ARCH_O_NOFOLLOW        0400000

#define CALL_open              2, 5
#define CALL_creat             85, 8
#define CALL_openat            257, 295
#define CALL_openat2           437, 437
#define CALL_close             3, 6
#define CALL_read              0, 3
#define CALL_write             1, 4
#define CALL_unlink            87, 10
#define CALL_unlinkat          263, 301
#define CALL_rename            82, 38
#define CALL_renameat          264, 302
#define CALL_renameat2         316, 353
#define CALL_link              86, 9
#define CALL_linkat            265, 303
#define CALL_symlink           88, 83
#define CALL_symlinkat         266, 304
#define CALL_mkdir             83, 39
#define CALL_mkdirat           258, 296
#define CALL_rmdir             84, 40
#define CALL_mknod             133, 14
#define CALL_mknodat           259, 297
#define CALL_truncate          76, 193
#define CALL_ftruncate         77, 194
#define CALL_chmod             90, 15
#define CALL_fchmod            91, 94
#define CALL_fchmodat          268, 306
#define CALL_chown             92, 212
#define CALL_fchown            93, 207
#define CALL_lchown            94, 198
#define CALL_fchownat          260, 298
#define CALL_chdir             80, 12
#define CALL_fchdir            81, 133
#define CALL_chroot            161, 61
#define CALL_pivot_root        155, 217
#define CALL_mount             165, 21
#define CALL_umount2           166, 52
#define CALL_socket            41, 359
#define CALL_socketcall        -1, 102
#define CALL_connect           42, 362
#define CALL_bind              49, 361
#define CALL_listen            50, 363
#define CALL_accept            43, -1
#define CALL_accept4           288, 364
#define CALL_sendto            44, 369
#define CALL_recvfrom          45, 371
#define CALL_shutdown          48, 373
#define CALL_clone             56, 120
#define CALL_clone3            435, 435
#define CALL_execve            59, 11
#define CALL_execveat          322, 358
#define CALL_kill              62, 37
#define CALL_tkill             200, 238
#define CALL_tgkill            234, 270
#define CALL_ptrace            101, 26
#define CALL_process_vm_readv  310, 347
#define CALL_process_vm_writev 311, 348
#define CALL_prctl             157, 172
#define CALL_seccomp           317, 354
#define CALL_setuid            105, 213
#define CALL_setgid            106, 214
#define CALL_setreuid          113, 203
#define CALL_setregid          114, 204
#define CALL_setresuid         117, 208
#define CALL_setresgid         119, 210
#define CALL_capset            126, 185
#define CALL_setns             308, 346
#define CALL_unshare           272, 310
#define CALL_mmap              9, 192
#define CALL_mprotect          10, 125
#define CALL_memfd_create      319, 356
#define CALL_init_module       175, 128
#define CALL_finit_module      313, 350
#define CALL_delete_module     176, 129
#define CALL_bpf               321, 357
#define CALL_perf_event_open   298, 336
#define CALL_io_uring_setup    425, 425
#define CALL_userfaultfd       323, 374

#endif
