// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* A user's probe whose hook no kernel has: HOOK says of which kind. */
#include "eunomia.h"

struct absent_event {
	struct event_header header;
};
EVENT(absent_event, "test.absent");

SEC(HOOK)
int on_absent(void *context)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_absent_event, task);
	struct absent_event *event = tally ? EUN_RESERVE(&eun_events, absent_event, tally) : NULL;

	if (!event)
		return 0;
	eun_fill_header(&event->header, kind_absent_event, task);
	EUN_COMMIT(&eun_events, event, tally);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
