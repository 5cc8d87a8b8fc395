// SPDX-License-Identifier: Apache-2.0
//
// Makes one system call that the C library or Rust would not make this way: open and creat by
// their own numbers, their 32-bit twins through int 0x80, and execve without any argument. No
// library, so that nothing else is called.
//
// Usage: rawcall CALL PATH FLAGS MODE       (numbers in decimal)
// Unless it became PATH, writes the result in decimal, a newline, and what /proc/self/fd/RESULT links to.

#define PATH_BYTES 8192

enum { WRITE = 1, OPEN = 2, EXECVE = 59, EXIT = 60, CREAT = 85, READLINK = 89, OPENAT = 257 };
enum { COMPAT_OPEN = 5, COMPAT_OPENAT = 295 };
enum { CURRENT_FOLDER = -100, NOWHERE = 8 };

// Static, as int 0x80 passes 32 bits of an address, and the stack is above them.
static char path[PATH_BYTES];

static long call64(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

static long call32(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long number(const char *text)
{
	long value = 0;

	while (*text)
		value = value * 10 + (*text++ - '0');
	return value;
}

static int equal(const char *one, const char *other)
{
	while (*one && *one == *other)
		one++, other++;
	return *one == *other;
}

// The digits of value from the end of text on; returns the first one.
static char *decimal(long value, char *end)
{
	unsigned long rest = value < 0 ? -value : value;

	do
		*--end = '0' + rest % 10;
	while (rest /= 10);
	if (value < 0)
		*--end = '-';
	return end;
}

static void say(const char *from, long length)
{
	call64(WRITE, 1, (long)from, length, 0);
}

static long perform(const char *call, long flags, long mode, char **environment)
{
	static char *nothing[1];
	long where = (long)path;

	if (equal(call, "bare_exec"))
		return call64(EXECVE, where, (long)nothing, (long)environment, 0);
	if (equal(call, "open_nowhere"))
		return call64(OPEN, NOWHERE, flags, mode, 0);
	if (equal(call, "open"))
		return call64(OPEN, where, flags, mode, 0);
	if (equal(call, "creat"))
		return call64(CREAT, where, mode, 0, 0);
	if (equal(call, "int80_open"))
		return call32(COMPAT_OPEN, where, flags, mode, 0);
	if (equal(call, "int80_openat"))
		return call32(COMPAT_OPENAT, CURRENT_FOLDER, where, flags, mode);
	call64(EXIT, 2, 0, 0, 0);
	return 0;
}

// Called by the entry below with the stack as the kernel made it: argc, then argv.
__attribute__((used)) static void run(long *stack)
{
	char **argv = (char **)(stack + 1);
	static char link[PATH_BYTES] = "/proc/self/fd/";
	static char text[32];
	char *digits;
	long result;

	if (stack[0] != 5)
		call64(EXIT, 2, 0, 0, 0);
	for (int i = 0; i < PATH_BYTES - 1 && argv[2][i]; i++)
		path[i] = argv[2][i];
	result = perform(argv[1], number(argv[3]), number(argv[4]), argv + stack[0] + 1);
	text[31] = '\n';
	digits = decimal(result, text + 31);
	say(digits, text + 32 - digits);
	if (result >= 0) {
		char *end = link + 14;

		while (*digits != '\n')
			*end++ = *digits++;
		result = call64(READLINK, (long)link, (long)path, PATH_BYTES, 0);
		if (result > 0)
			say(path, result);
	}
	call64(EXIT, 0, 0, 0, 0);
}

__asm__(".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call run\n");
