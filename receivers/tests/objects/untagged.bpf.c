// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Built with the project's headers; its own fields have no annotations. */
#include "eunomia.h"

struct record {
	struct event_header header;
	__u32 number;
	char name[8];
};
const struct record *unused __attribute__((unused));

#if CASE != 1
const volatile __u32 kind_record = 0;
#else
#define kind_record 0
#endif

SEC("tp_btf/sched_process_exit")
int on_exit(void *context)
{
	struct record *record = bpf_ringbuf_reserve(&eun_events, sizeof(*record), 0);

	if (!record)
		return 0;
	record->header.kind = kind_record;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
