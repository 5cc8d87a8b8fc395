/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Attempts that failed before the socket changed its state: no route, no permission, a bad address. Their peer is known
 * from the caller's memory alone, which another of its threads could have changed by now.
 */
#ifndef EUNOMIA_TCP_REFUSED_H
#define EUNOMIA_TCP_REFUSED_H

/* struct sockaddr_in and sockaddr_in6, as far as they are used. */
struct user_address {
	__u16 family;
	__u16 port;
	__u32 address4; /* of IPv6 the flow */
	__u32 address6[4];
};

/* Errors that tell nothing of the attempt's outcome: it goes on, or had one before. */
static __always_inline bool is_no_outcome(long error)
{
	return error == EINPROGRESS || error == EALREADY || error == EISCONN || error == EINTR ||
	       (error >= ERESTARTSYS && error <= ERESTART_END);
}

static __always_inline void take_peer(struct endpoints *ends, const void *from)
{
	struct user_address user = {};

	/* A sockaddr_in is shorter, and may end where the memory does. */
	if (bpf_probe_read_user(&user, sizeof(user), from))
		bpf_probe_read_user(&user, offsetof(struct user_address, address6), from);
	ends->peer_port = user.port;
	if (user.family == AF_INET)
		take_address4(&ends->peer_address, user.address4);
	else if (user.family == AF_INET6)
		take_address6(&ends->peer_address, user.address6);
	else
		ends->peer_port = 0;
	take_type(ends);
}

static __always_inline void report_refused(struct task_struct *task, const struct sock *sock, const void *address,
					   __u32 error)
{
	struct counters *tally = eun_begin(kind_connect_event, task);
	struct connect_event *event = tally ? EUN_RESERVE(&eun_events, connect_event, tally) : NULL;

	if (!event)
		return;
	eun_fill_header(&event->header, kind_connect_event, task);
	take_endpoints(&event->ends, sock);
	take_peer(&event->ends, address);
	event->error = error;
	EUN_COMMIT(&eun_events, event, tally);
}

#endif
