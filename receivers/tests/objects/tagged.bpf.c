// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Two events with every annotation, built with the project's headers. */
#include "eunomia.h"

enum sample_flags {
	SAMPLE_READ = 0,
	SAMPLE_WRITE = 1,
	SAMPLE_CREATE = 0100,
};
NAMES(sample_flags);

enum sample_state {
	STATE_LOST = -1,
	STATE_OPEN = 1,
};
NAMES(sample_state);

struct place {
	__u32 line ATTR("sample.line");
	__u32 hidden;
};

struct sample_event {
	struct event_header header;
	__u64 duration ATTR("sample.duration_ns") UNIT("ns");
	struct text path ATTR("sample.path") DERIVED("base", "sample.name");
	struct text_list words ATTR("sample.words") DERIVED("first", "sample.first")
		DERIVED("joined", "sample.line_of_words");
	struct bytes blob ATTR("sample.blob");
	struct address peer ATTR("sample.address");
	__u16 port ATTR("sample.port") PORT;
	__u16 mode ATTR("sample.mode") OCTAL;
	__s32 error ATTR("error.type") ERRNO;
	__u32 signal ATTR("sample.signal") SIGNAL;
	__u32 flags ATTR("sample.flags") FLAGS(sample_flags, 3);
	__s32 state ATTR("sample.state") ENUM(sample_state);
	__u64 id ATTR("sample.id") HEX;
	__s32 fd ATTR("sample.fd") ABSENT(-1);
	struct place place;
	__u32 pad;
};
EVENT(sample_event, "sample.done");

struct nested_event {
	struct event_header header;
	struct place place;
	__u32 pad;
};
EVENT(nested_event, "sample.nested");

struct birth_event {
	struct event_header header;
	__u32 child_pid ATTR("sample.child_pid") ROLE("child_pid");
	__u32 only_role ROLE("child_exec_count");
	struct text path ROLE("executable");
};
LIFECYCLE_EVENT(birth_event, "", "fork");

const volatile __u64 least OPTION("min_duration", "Shorter ones are filtered") UNIT("ns") = 5000000;
const volatile bool failed OPTION("failed_only", "Only what failed") = false;

SYSCALL_EXIT(on_sample, openat, open)
{
	struct sample_event *event = bpf_ringbuf_reserve(&eun_events, sizeof(*event), 0);

	if (!event)
		return;
	event->header.kind = kind_sample_event + failed;
	event->duration = least;
	bpf_ringbuf_submit(event, 0);
}

TWICE(sched_process_fork, on_birth, struct task_struct *parent)
{
	struct birth_event *event = bpf_ringbuf_reserve(&eun_lifecycle, sizeof(*event), 0);

	if (!event)
		return 0;
	event->header.kind = kind_birth_event;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
