/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hold a ptrace request inside the kernel for as long as a test likes.
 *
 * The buffer of the request lies on a page that is not there yet; userfaultfd(2) decides
 * when it is. The kernel sleeps in copy_to_user() until then. The request has passed its
 * checks, and its tracee is JOBCTL_PTRACE_FROZEN meanwhile.
 *
 *	NEED_HELD_PAGE(&page);
 *	hold_call(&page, change_the_world, arg);
 *	ret = sys_ptrace(PTRACE_GETSIGINFO, pid, 0, page.addr);
 *	ASSERT_EQ(0, hold_end(&page));
 *
 * A thread of its own calls change_the_world(arg) once the request is held. The request
 * goes on when that returns. A page holds once.
 */
#ifndef GROUP_STOP_HOLD_H
#define GROUP_STOP_HOLD_H

#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "group_stop_tracee.h"

struct held_page {
	void *addr;
	int fd;			/* the userfaultfd */
	pthread_t thread;
	void (*fn)(void *arg);
	void *arg;
	int done, error;
};

/* Set up @page. Returns 0, or -1 with errno. */
static inline int hold_create(struct held_page *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	memset(page, 0, sizeof(*page));
	page->addr = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* faults of the kernel are what we want: no UFFD_USER_MODE_ONLY */
	page->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	reg.range.start = (unsigned long)page->addr;
	reg.range.len = getpagesize();
	if (page->addr == MAP_FAILED || page->fd < 0 || ioctl(page->fd, UFFDIO_API, &api))
		return -1;
	return ioctl(page->fd, UFFDIO_REGISTER, &reg);
}

#define NEED_HELD_PAGE(page)						\
	NEED(!hold_create(page), "no userfaultfd: %s", strerror(errno))

/* Wait until somebody sleeps on @page. Returns 0, or -1 with errno. */
static inline int hold_wait(struct held_page *page)
{
	struct pollfd pfd = { .fd = page->fd, .events = POLLIN };
	struct uffd_msg msg;

	if (poll(&pfd, 1, DEADLINE_MS) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	return read(page->fd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT ? 0 : -1;
}

/* Map a zeroed page at @page, and wake up who sleeps on it. Returns 0, or -1 with errno. */
static inline int hold_release(struct held_page *page)
{
	struct uffdio_zeropage zero = {
		.range.start = (unsigned long)page->addr,
		.range.len = getpagesize(),
	};

	return ioctl(page->fd, UFFDIO_ZEROPAGE, &zero);
}

static inline void *hold_thread(void *arg)
{
	struct held_page *page = arg;

	if (hold_wait(page)) {
		page->error = errno;
	} else {
		page->fn(page->arg);
		/* it may have let go by itself: the page is there, or can't be written */
		if (hold_release(page) && errno != EEXIST)
			page->error = errno;
	}
	__atomic_store_n(&page->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Have a thread call @fn(@arg) as soon as somebody sleeps on @page, and then let go. */
static inline void __hold_call(struct __test_metadata *_metadata, struct held_page *page,
			       void (*fn)(void *arg), void *arg)
{
	page->fn = fn;
	page->arg = arg;
	page->done = 0;
	page->error = 0;
	ASSERT_EQ(0, pthread_create(&page->thread, NULL, hold_thread, page));
	pthread_detach(page->thread);
}

#define hold_call(page, fn, arg)	__hold_call(_metadata, page, fn, arg)

/* Wait for that thread, and take @page down. Returns 0, or the error: nobody came, say. */
static inline int hold_end(struct held_page *page)
{
	/* no pthread_join(): a 32-bit one needs CONFIG_COMPAT_32BIT_TIME */
	wait_until(__atomic_load_n(&page->done, __ATOMIC_ACQUIRE));
	close(page->fd);
	munmap(page->addr, getpagesize());
	return page->done ? page->error : ETIMEDOUT;
}

#endif /* GROUP_STOP_HOLD_H */
