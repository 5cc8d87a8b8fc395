// SPDX-License-Identifier: Apache-2.0
//
// A process whose first thread ends before another one, which ends it all with code 7 and says
// before that, as the workload does, which thread it was.

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BILLION 1000000000ull
#define CODE    7

static void *outlive(void *first)
{
	struct timespec now;

	if (pthread_join(*(pthread_t *)first, NULL))
		_exit(1);
	clock_gettime(CLOCK_REALTIME, &now);
	printf("{\"at\":%llu,\"did\":\"thread\",\"pid\":%d,\"tid\":%d}\n", now.tv_sec * BILLION + now.tv_nsec, getpid(),
	       gettid());
	fflush(stdout);
	_exit(CODE);
}

int main(void)
{
	static pthread_t first, other;

	first = pthread_self();
	if (pthread_create(&other, NULL, outlive, &first))
		return 1;
	pthread_exit(NULL);
}
