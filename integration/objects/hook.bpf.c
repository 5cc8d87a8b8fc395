// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's probe on whatever hook HOOK names; with KILLS it ends whoever comes by. */
#include "eunomia.h"

struct hook_event {
	struct event_header header;
};
EVENT(hook_event, "test.hook");

SEC(HOOK)
int on_hook(void *context)
{
#ifdef KILLS
	bpf_send_signal(9);
#endif
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_hook_event, task);
	struct hook_event *event = tally ? EUN_RESERVE(&eun_events, hook_event, tally) : NULL;

	if (!event)
		return 0;
	eun_fill_header(&event->header, kind_hook_event, task);
	EUN_COMMIT(&eun_events, event, tally);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
