// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A tool whose record only its own reader knows: 168 bytes of which BTF says nothing, filled in at the begin of
 * open(2).
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RECORD_BYTES 168
#define COMM_AT      24
#define NAME_AT      40
#define NAME_BYTES   127

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} rb SEC(".maps");

struct enter_open {
	__u64 common;
	__s64 number;
	__u64 arguments[3];
};

SEC("tracepoint/syscalls/sys_enter_open")
int on_open(struct enter_open *call)
{
	char *record = bpf_ringbuf_reserve(&rb, RECORD_BYTES, 0);

	if (!record)
		return 0;
	__builtin_memset(record, 0, RECORD_BYTES);
	*(__u32 *)record = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(record + COMM_AT, 16);
	bpf_probe_read_user_str(record + NAME_AT, NAME_BYTES, (const void *)call->arguments[0]);
	bpf_ringbuf_submit(record, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
