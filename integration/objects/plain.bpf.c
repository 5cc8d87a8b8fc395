// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A tool written for plain libbpf that knows nothing of us: one ring, one struct, a classic tracepoint. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct visit {
	__u32 pid;
	__s32 answer;
	char comm[16];
	char where[32];
};
const struct visit *unused __attribute__((unused));

const volatile __u32 only = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} visits SEC(".maps");

/* What the tracepoint of a system call's begin hands over. */
struct call {
	__u64 common;
	__s64 number;
	__u64 arguments[1];
};

SEC("tracepoint/syscalls/sys_enter_chdir")
int visit(struct call *call)
{
	struct visit *visit = bpf_ringbuf_reserve(&visits, sizeof(*visit), 0);

	if (!visit)
		return 0;
	visit->pid = bpf_get_current_pid_tgid() >> 32;
	visit->answer = -(int)only;
	bpf_get_current_comm(visit->comm, sizeof(visit->comm));
	__builtin_memset(visit->where, 0, sizeof(visit->where));
	bpf_probe_read_user_str(visit->where, sizeof(visit->where), (const void *)call->arguments[0]);
	bpf_ringbuf_submit(visit, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
