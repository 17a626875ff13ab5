/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hold a ptrace request inside the kernel, for as long as a test likes.
 *
 * The user buffer of the request lies on a page that is not there yet, and a
 * userfaultfd(2) decides when it is: whoever touches the page, the kernel in
 * copy_to_user() included, sleeps until then. The request has passed its checks
 * and its tracee stays JOBCTL_PTRACE_FROZEN meanwhile.
 *
 *	struct held_page page;
 *
 *	if (uffd_page_create(&page))
 *		SKIP(return, "no userfaultfd: %s", strerror(errno));
 *	ASSERT_EQ(0, uffd_on_fault(&page, change_the_world, &arg));
 *	ret = sys_ptrace(PTRACE_GETSIGINFO, tracee, 0, page.addr);
 *	ASSERT_EQ(0, uffd_join(&page));
 *	uffd_destroy(&page);
 *
 * change_the_world() runs in a thread of its own once the request is held; the
 * request goes on when it returns. Requests come from the thread that traces,
 * that is why the rest of the test has to be done in another one.
 *
 * The page belongs to the process that created it, and a child that it forks
 * does not inherit the hold; but any process that has ->fd can wait and release.
 * A signal with a handler, or a fatal one, ends the hold. A page holds once:
 * create another for another request.
 */
#ifndef GROUP_STOP_UFFD_H
#define GROUP_STOP_UFFD_H

#include "group_stop.h"

#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

struct held_page {
	int fd;			/* the userfaultfd, non-blocking */
	void *addr;		/* where the page is not */
	size_t size;

	/* what uffd_on_fault() was told, and what became of it */
	void (*fn)(void *arg);
	void *arg;
	int error;
	int done;
};

/*
 * Set up @page for the calling process. Returns 0, or -1 with errno: ENOSYS or
 * EPERM if the kernel or our privileges don't allow for it.
 */
static inline int uffd_page_create(struct held_page *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int saved;

	memset(page, 0, sizeof(*page));
	page->size = getpagesize();
	page->addr = mmap(NULL, page->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page->addr == MAP_FAILED)
		return -1;

	/* faults of the kernel are what we want: no UFFD_USER_MODE_ONLY */
	page->fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (page->fd < 0)
		goto unmap;

	reg.range.start = (unsigned long)page->addr;
	reg.range.len = page->size;
	if (ioctl(page->fd, UFFDIO_API, &api) ||
	    ioctl(page->fd, UFFDIO_REGISTER, &reg))
		goto close;

	return 0;

close:
	saved = errno;
	close(page->fd);
	errno = saved;
unmap:
	saved = errno;
	munmap(page->addr, page->size);
	errno = saved;
	return -1;
}

/*
 * Wait until someone sleeps on @page. Returns 0, or -1 with errno, ETIMEDOUT if
 * no one has come within DEADLINE_MS.
 */
static inline int uffd_wait_fault(struct held_page *page)
{
	struct pollfd pfd = { .fd = page->fd, .events = POLLIN };
	struct uffd_msg msg;
	int ret;

	do {
		ret = poll(&pfd, 1, DEADLINE_MS);
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0) {
		if (!ret)
			errno = ETIMEDOUT;
		return -1;
	}

	if (read(page->fd, &msg, sizeof(msg)) != sizeof(msg))
		return -1;
	if (msg.event != UFFD_EVENT_PAGEFAULT) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

/*
 * Let go who sleeps on @page, which now is there: filled with the @page->size
 * bytes at @contents, or with zeros if that is NULL. Returns 0 or -1 with errno.
 */
static inline int uffd_release(struct held_page *page, const void *contents)
{
	struct uffdio_zeropage zero = {
		.range.start = (unsigned long)page->addr,
		.range.len = page->size,
	};
	struct uffdio_copy copy = {
		.dst = (unsigned long)page->addr,
		.src = (unsigned long)contents,
		.len = page->size,
	};

	return contents ? ioctl(page->fd, UFFDIO_COPY, &copy) :
			  ioctl(page->fd, UFFDIO_ZEROPAGE, &zero);
}

/*
 * Let go who sleeps on @page, and have its access fail: a request that was held
 * returns EFAULT. By the process that created @page only. Returns 0 or -1 with
 * errno.
 */
static inline int uffd_fail(struct held_page *page)
{
	struct uffdio_range range = {
		.start = (unsigned long)page->addr,
		.len = page->size,
	};

	if (mprotect(page->addr, page->size, PROT_NONE))
		return -1;
	return ioctl(page->fd, UFFDIO_WAKE, &range);
}

static inline void *__uffd_thread(void *arg)
{
	struct held_page *page = arg;

	if (uffd_wait_fault(page)) {
		page->error = errno;
	} else {
		page->fn(page->arg);
		/* EEXIST: @fn has let go itself */
		if (uffd_release(page, NULL) && errno != EEXIST)
			page->error = errno;
	}
	__atomic_store_n(&page->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * Have a new thread call @fn(@arg) as soon as someone sleeps on @page, and then
 * let go with a page of zeros. @fn may do that itself by uffd_release(), or by
 * uffd_fail(). Returns 0 or -1 with errno; uffd_join() has to follow.
 */
static inline int uffd_on_fault(struct held_page *page, void (*fn)(void *arg),
				void *arg)
{
	pthread_t thread;

	page->fn = fn;
	page->arg = arg;
	page->error = 0;
	page->done = 0;
	errno = pthread_create(&thread, NULL, __uffd_thread, page);
	if (!errno)
		errno = pthread_detach(thread);
	return errno ? -1 : 0;
}

/*
 * Wait for the thread of uffd_on_fault(). Returns 0, or -1 with errno: ETIMEDOUT
 * if no one ran into @page.
 */
static inline int uffd_join(struct held_page *page)
{
	/*
	 * Not pthread_join(): in a 32-bit program that fails on a 64-bit kernel
	 * without CONFIG_COMPAT_32BIT_TIME.
	 */
	while (!__atomic_load_n(&page->done, __ATOMIC_ACQUIRE))
		usleep(200);
	errno = page->error;
	return errno ? -1 : 0;
}

/* Take @page down. Who sleeps on it still is let go, to a page of zeros. */
static inline void uffd_destroy(struct held_page *page)
{
	close(page->fd);
	munmap(page->addr, page->size);
}

#endif /* GROUP_STOP_UFFD_H */
