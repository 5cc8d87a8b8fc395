/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The one header a probe includes. A probe is one C file: the struct of its event, whose members say by their tags what
 * they mean; EVENT; settings; and a function for each hook, which counts, filters, fills in and submits:
 *
 *	struct chdir_event {
 *		struct event_header header;
 *		__s32 error ERRNO ATTR("error.type");
 *	};
 *	EVENT(chdir_event, "chdir");
 *
 *	SYSCALL_EXIT(on_chdir, chdir, fchdir)
 *	{
 *		struct task_struct *task = eun_current();
 *		struct counters *tally = eun_begin(kind_chdir_event, task);
 *		struct chdir_event *event = tally ? EUN_RESERVE(&eun_events, chdir_event, tally) : NULL;
 *
 *		if (!event)
 *			return;
 *		eun_fill_header(&event->header, kind_chdir_event, task);
 *		event->error = call.result < 0 ? -call.result : 0;
 *		EUN_COMMIT(&eun_events, event, tally);
 *	}
 */
#ifndef EUNOMIA_H
#define EUNOMIA_H

#include "eunomia/kernel.h"

#include <asm-generic/errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#ifndef offsetof
#define offsetof(type, member) __builtin_offsetof(type, member)
#endif
#ifndef NULL
#define NULL ((void *)0)
#endif

#include "eunomia/tags.h"
#include "eunomia/abi.h"
#include "eunomia/read.h"
#include "eunomia/arch.h"
#include "eunomia/maps.h"
#include "eunomia/cgroup.h"
#include "eunomia/filter.h"
#include "eunomia/record.h"
#include "eunomia/text.h"
#include "eunomia/dentry.h"
#include "eunomia/walk.h"
#include "eunomia/path.h"
#include "eunomia/syscall.h"
#include "eunomia/twice.h"

#endif
