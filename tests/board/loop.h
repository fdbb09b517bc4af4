/* loop: the simulated board's one event loop (epoll and monotonic timers).
 * Everything on the board runs on this one thread; other threads reach it only through a file
 * descriptor. */
#ifndef TESTS_BOARD_LOOP_H
#define TESTS_BOARD_LOOP_H

#include <stdint.h>

struct loop;
struct timer; /* opaque, owned by the loop's user */

typedef void (*loop_fd_fn)(int fd, uint32_t epoll_events, void *arg);
typedef void (*loop_timer_fn)(void *arg);

/** Create the loop; NULL when the system refuses. Release with loop_free(). */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/** Watch @p fd for @p events (EPOLLIN …), or change what it is watched for. The caller keeps the fd
 * and removes it before closing it. */
int loop_add_fd(struct loop *l, int fd, uint32_t events, loop_fd_fn fn, void *arg);
void loop_remove_fd(struct loop *l, int fd);

/** Make a stopped one-shot timer. timer_arm() may be called again from its own callback. */
struct timer *timer_new(struct loop *l, loop_timer_fn fn, void *arg);
void timer_arm(struct timer *t, uint64_t delay_ns); /* replaces an earlier arming */
void timer_stop(struct timer *t);
void timer_free(struct timer *t); /* NULL allowed; stops it */

/** CLOCK_MONOTONIC in nanoseconds. */
uint64_t loop_now_ns(void);

/** Run until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
#endif
