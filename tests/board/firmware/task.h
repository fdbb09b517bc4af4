/* task: a piece of work that may wait long (a name server, a peer that does not answer), done on a
 * thread of its own while the board's loop goes on. */
#ifndef TESTS_BOARD_FIRMWARE_TASK_H
#define TESTS_BOARD_FIRMWARE_TASK_H

struct loop;
struct task;

/** The work. @p stop_fd becomes readable when nobody wants its result any more: waits end then. */
typedef void (*task_work_fn)(int stop_fd, void *arg);
/** Its end, told on the loop. The task has been freed by then. */
typedef void (*task_done_fn)(void *arg);

/** Start @p work; @p done is called once, unless the task is dropped first. @p arg is shared by
 *  both: the thread's until the end is told or task_drop() has returned.
 *  @return NULL when the system refuses */
struct task *task_start(struct loop *l, task_work_fn work, task_done_fn done, void *arg);
/** Stop and join. NULL allowed; not after the end has been told. */
void task_drop(struct task *t);
#endif
