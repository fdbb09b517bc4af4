/* gate: lets so many in at a time. Who waits outside can be cancelled. Thread-safe. */
#ifndef SERVICE_CLOUD_GATE_H
#define SERVICE_CLOUD_GATE_H

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/base/err.h"

struct gate {
    int fd; /* eventfd, a semaphore */
};

/** @return ERR_OK, ERR_IO */
enum err gate_init(struct gate *g, unsigned places);
void gate_dispose(struct gate *g);
/** @param cancel  NULL = cannot be stopped @return ERR_OK; ERR_CANCELLED; ERR_TIMEOUT */
enum err gate_enter(struct gate *g, struct cancel *cancel, struct deadline until);
void gate_leave(struct gate *g);
#endif
