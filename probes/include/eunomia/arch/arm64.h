/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* arm64. Calls of 32-bit programs are told apart, and not numbered here: nobody can ask for them yet. */
#ifndef EUNOMIA_ARCH_ARM64_H
#define EUNOMIA_ARCH_ARM64_H

#ifndef __VMLINUX_H__
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	int syscallno;
} KERNEL;
#endif

#define TIF_32BIT 22 /* a bit's number in thread_info.flags: a 32-bit task */

static __always_inline int arch_call_number(const struct pt_regs *regs)
{
	return regs->syscallno;
}

static __always_inline bool arch_call_is_compat(void)
{
	return EUN_OF_CURRENT(thread_info.flags) >> TIF_32BIT & 1;
}

#define ARCH_ARGUMENT_0(from)  ((from)->orig_x0) /* x0 holds the result by then */
#define ARCH_ARGUMENT_1(from)  ((from)->regs[1])
#define ARCH_ARGUMENT_2(from)  ((from)->regs[2])
#define ARCH_ARGUMENT_3(from)  ((from)->regs[3])
#define ARCH_COMPAT_0(from)    ARCH_ARGUMENT_0(from)
#define ARCH_COMPAT_1(from)    ARCH_ARGUMENT_1(from)
#define ARCH_COMPAT_2(from)    ARCH_ARGUMENT_2(from)
#define ARCH_COMPAT_3(from)    ARCH_ARGUMENT_3(from)

#define ARCH_O_DIRECTORY       0040000
#define ARCH_O_NOFOLLOW        0100000
#define ARCH_O_DIRECT          0200000
#define ARCH_O_LARGEFILE       0400000

#define CALL_open              -1, -1
#define CALL_creat             -1, -1
#define CALL_openat            56, -1
#define CALL_openat2           437, -1
#define CALL_close             57, -1
#define CALL_read              63, -1
#define CALL_write             64, -1
#define CALL_unlink            -1, -1
#define CALL_unlinkat          35, -1
#define CALL_rename            -1, -1
#define CALL_renameat          38, -1
#define CALL_renameat2         276, -1
#define CALL_link              -1, -1
#define CALL_linkat            37, -1
#define CALL_symlink           -1, -1
#define CALL_symlinkat         36, -1
#define CALL_mkdir             -1, -1
#define CALL_mkdirat           34, -1
#define CALL_rmdir             -1, -1
#define CALL_mknod             -1, -1
#define CALL_mknodat           33, -1
#define CALL_truncate          45, -1
#define CALL_ftruncate         46, -1
#define CALL_chmod             -1, -1
#define CALL_fchmod            52, -1
#define CALL_fchmodat          53, -1
#define CALL_chown             -1, -1
#define CALL_fchown            55, -1
#define CALL_lchown            -1, -1
#define CALL_fchownat          54, -1
#define CALL_chdir             49, -1
#define CALL_fchdir            50, -1
#define CALL_chroot            51, -1
#define CALL_pivot_root        41, -1
#define CALL_mount             40, -1
#define CALL_umount2           39, -1
#define CALL_socket            198, -1
#define CALL_socketcall        -1, -1
#define CALL_connect           203, -1
#define CALL_bind              200, -1
#define CALL_listen            201, -1
#define CALL_accept            202, -1
#define CALL_accept4           242, -1
#define CALL_sendto            206, -1
#define CALL_recvfrom          207, -1
#define CALL_shutdown          210, -1
#define CALL_clone             220, -1
#define CALL_clone3            435, -1
#define CALL_execve            221, -1
#define CALL_execveat          281, -1
#define CALL_kill              129, -1
#define CALL_tkill             130, -1
#define CALL_tgkill            131, -1
#define CALL_ptrace            117, -1
#define CALL_process_vm_readv  270, -1
#define CALL_process_vm_writev 271, -1
#define CALL_prctl             167, -1
#define CALL_seccomp           277, -1
#define CALL_setuid            146, -1
#define CALL_setgid            144, -1
#define CALL_setreuid          145, -1
#define CALL_setregid          143, -1
#define CALL_setresuid         147, -1
#define CALL_setresgid         149, -1
#define CALL_capset            91, -1
#define CALL_setns             268, -1
#define CALL_unshare           97, -1
#define CALL_mmap              222, -1
#define CALL_mprotect          226, -1
#define CALL_memfd_create      279, -1
#define CALL_init_module       105, -1
#define CALL_finit_module      273, -1
#define CALL_delete_module     106, -1
#define CALL_bpf               280, -1
#define CALL_perf_event_open   241, -1
#define CALL_io_uring_setup    425, -1
#define CALL_userfaultfd       282, -1

#endif
