// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A program at the end of every system call that does nothing: what the hook alone costs. */
#include "eunomia.h"

struct bare_event {
	struct event_header header;
};
EVENT(bare_event, "test.bare");

SEC("tp_btf/sys_exit")
int on_any_call(unsigned long long *context)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
