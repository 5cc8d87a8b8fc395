/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The three events, from what was kept of a connection. Counted when they happen, not when the attempt began. */
#ifndef EUNOMIA_TCP_REPORT_H
#define EUNOMIA_TCP_REPORT_H

/* The actor is who it was, the time is now. */
static __always_inline void act_as(struct event_header *header, const struct event_header *actor, __u32 kind)
{
	*header = *actor;
	header->kind = kind;
	header->time = bpf_ktime_get_boot_ns();
}

static __always_inline struct counters *see(__u32 kind)
{
	struct counters *tally = eun_counters_of(kind);

	if (tally)
		eun_count(&tally->seen);
	return tally;
}

static __always_inline void report_connect(const struct connection *connection, __u32 error)
{
	struct counters *tally = see(kind_connect_event);
	struct connect_event *event = tally ? EUN_RESERVE(&eun_events, connect_event, tally) : NULL;

	if (!event)
		return;
	act_as(&event->header, &connection->actor, kind_connect_event);
	event->ends = connection->ends;
	event->error = error;
	EUN_COMMIT(&eun_events, event, tally);
}

static __always_inline void report_accept(const struct connection *connection, struct counters *tally)
{
	struct accept_event *event = EUN_RESERVE(&eun_events, accept_event, tally);

	if (!event)
		return;
	event->header = connection->actor;
	event->ends = connection->ends;
	event->pad = 0;
	EUN_COMMIT(&eun_events, event, tally);
}

/* When the socket is destroyed, as the application may read on after both directions were closed. */
static __always_inline void report_close(struct connection *connection, const struct sock *sock)
{
	struct counters *tally = see(kind_close_event);
	struct close_event *event = tally ? EUN_RESERVE(&eun_events, close_event, tally) : NULL;
	struct totals now;

	if (!event)
		return;
	take_totals(connection, sock);
	now = totals_of(sock, connection);
	act_as(&event->header, &connection->actor, kind_close_event);
	event->ends = connection->ends;
	event->error = connection->error;
	event->bytes_sent = connection->totals.sent;
	/* Where the socket has forgotten what arrived, what was read of it until then is all there is to know. */
	event->bytes_received = now.arrived == connection->totals.arrived ? now.received : connection->totals.received;
	event->duration_ns = connection->until - connection->since;
	EUN_COMMIT(&eun_events, event, tally);
}

/* The end of a connection that is not followed for lack of room will not be seen. */
static __always_inline void lose_close(void)
{
	struct counters *tally = see(kind_close_event);

	if (tally)
		eun_count(&tally->table_full);
}

#endif
