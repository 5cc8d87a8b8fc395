/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * file.open: open, openat, openat2 and creat when they return. The path is that of the file behind the descriptor, and
 * not what the caller wrote; flags, and the path of a failed open, are the caller's. Opens through io_uring are not
 * system calls and not seen.
 */
#define EUN_DIRECT_READS /* opens are frequent: it takes 1 us of 3 from each */
#include "eunomia.h"

const volatile bool failed_only OPTION("failed_only", "only opens that failed") = false;

#define OPEN_ACCESS_MODE 3
#define FMODE_CREATED    0x100000
#define MODE_BITS        07777
#define ERESTARTSYS      512 /* the kernel's own: interrupted, to be called again or not */
#define ERESTART_END     516

enum open_flags {
	O_RDONLY = 0,
	O_WRONLY = 01,
	O_RDWR = 02,
	O_CREAT = 0100,
	O_EXCL = 0200,
	O_NOCTTY = 0400,
	O_TRUNC = 01000,
	O_APPEND = 02000,
	O_NONBLOCK = 04000,
	O_DSYNC = 010000,
	O_ASYNC = 020000,
	O_DIRECT = ARCH_O_DIRECT,
	O_LARGEFILE = ARCH_O_LARGEFILE,
	O_DIRECTORY = ARCH_O_DIRECTORY,
	O_NOFOLLOW = ARCH_O_NOFOLLOW,
	O_NOATIME = 01000000,
	O_CLOEXEC = 02000000,
	O_SYNC = 04000000 | O_DSYNC,
	O_PATH = 010000000,
	O_TMPFILE = 020000000 | O_DIRECTORY,
};
NAMES(open_flags);

struct open_event {
	struct event_header header;
	struct text path ATTR("file.path");
	struct text raw_path ATTR("eunomia.file.raw_path");
	__u32 flags FLAGS(open_flags, 3) ATTR("eunomia.file.flags");
	__s32 mode OCTAL ATTR("file.mode") ABSENT(-1);
	__s32 fd ATTR("eunomia.file.fd") ABSENT(-1);
	__u32 error ERRNO ATTR("error.type");
};
EVENT(open_event, "file.open");
TEXT_RECORD(open_event, 1, 2 * EUN_READ_BYTES);

/* What the caller passed: its path, and its flags. */
struct request {
	const char *path;
	__u32 flags;
};

static __always_inline struct request request_of(struct syscall_exit call)
{
	struct request request = { (const char *)EUN_ARGUMENT(call, 1), 0 };

	if (CALL_IS(call, openat)) {
		request.flags = EUN_ARGUMENT(call, 2);
	} else if (CALL_IS(call, openat2)) {
		__u64 flags = 0; /* the first member of struct open_how */

		bpf_probe_read_user(&flags, sizeof(flags), (const void *)EUN_ARGUMENT(call, 2));
		request.flags = flags;
	} else {
		request.path = (const char *)EUN_ARGUMENT(call, 0);
		request.flags = CALL_IS(call, creat) ? O_CREAT | O_WRONLY | O_TRUNC : EUN_ARGUMENT(call, 1);
	}
	return request;
}

static __always_inline bool was_created(struct file *file, __u32 flags)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return true;
	return flags & O_CREAT && BPF_CORE_READ(file, f_mode) & FMODE_CREATED;
}

static __always_inline void fill_opened(struct open_event *event, struct eun_builder *builder, struct file *file)
{
	if (was_created(file, event->flags))
		event->mode = BPF_CORE_READ(file, f_inode, i_mode) & MODE_BITS;
	EUN_PUT_PATH(open_event, builder, &event->path, &file->f_path, bpf_get_current_task(), 0);
}

/* The caller has no result yet: it is EINTR, or the call is made again and returns once more. */
static __always_inline bool is_interrupted(long result)
{
	return result <= -ERESTARTSYS && result >= -ERESTART_END;
}

SYSCALL_EXIT(on_open, open, creat, openat, openat2)
{
	struct task_struct *task = eun_current();
	struct counters *tally = eun_begin(kind_open_event, task);
	struct open_event *event = open_event_of(0);
	struct eun_builder builder = EUN_BUILDER(open_event, event);
	struct request request;

	if (!tally || !event)
		return;
	if ((failed_only && call.result >= 0) || is_interrupted(call.result)) {
		eun_count(&tally->filtered);
		return;
	}
	request = request_of(call);
	__builtin_memset(&event->path, 0, sizeof(*event) - sizeof(event->header));
	eun_fill_header(&event->header, kind_open_event, task);
	event->flags = request.flags;
	event->mode = -1;
	event->fd = call.result >= 0 ? call.result : -1;
	if (call.result >= 0) {
		struct file *file = eun_file_of(task, call.result);

		if (file) /* another thread may have closed it already */
			fill_opened(event, &builder, file);
	} else {
		event->error = -call.result;
		eun_put_string(&builder, &event->raw_path, request.path, true);
	}
	eun_submit(&event->header, eun_size(&builder), tally);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
