// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Objects that are refused: built for another ABI, and with a section that nobody knows. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct record {
	__u32 pid;
};
const struct record *unused __attribute__((unused));

#ifdef OTHER_ABI
const volatile __u32 eunomia_abi __attribute__((btf_decl_tag("abi:99"))) = 99;
#endif

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

#ifdef OTHER_ABI
SEC("raw_tp/sched_process_exit")
#else
SEC("sk_nobody_knows/sched_process_exit")
#endif
int on_exit(void *context)
{
	struct record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (record)
		bpf_ringbuf_submit(record, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
