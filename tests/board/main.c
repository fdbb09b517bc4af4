/* espboard: a simulated ESP32 board behind two pseudo-terminals. This file builds the board and
 * runs it until a signal comes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "tests/board/arguments.h"
#include "tests/board/control.h"
#include "tests/board/core.h"
#include "tests/board/fault.h"
#include "tests/board/flash.h"
#include "tests/board/loop.h"
#include "tests/board/transcript.h"
#include "tests/board/uart.h"

static void on_signal(int fd, uint32_t events, void *arg)
{
    struct signalfd_siginfo info;
    (void)events;
    if (read(fd, &info, sizeof info) == (ssize_t)sizeof info) loop_stop(arg);
}

/* Before the firmware starts threads: they inherit the mask. */
static int block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool open_parts(const struct arguments *a, struct board_parts *p)
{
    bool made = false;
    bool paced = a->options.pace != PACE_OFF;
    p->flash = flash_open(a->flash, a->flash_bytes, &made);
    if (!p->flash) return false;
    if (made && strcmp(a->options.firmware, "none") != 0) stock_fill(p->flash, p->options);
    flash_set_paced(p->flash, a->options.pace == PACE_FULL);
    flash_set_faults(p->flash, a->faults);
    if (a->transcript) {
        p->transcript = transcript_open(p->loop, a->transcript, a->options.firmware);
        if (!p->transcript) return false;
    }
    p->uart0 = uart_open(p->loop, "download", a->download, paced, a->faults);
    bool shared = a->at && strcmp(a->at, a->download) == 0;
    p->uart1 = shared ? p->uart0 : uart_open(p->loop, "at", a->at, paced, a->faults);
    if (p->uart0 && a->options.usb_jtag) uart_set_usb(p->uart0);
    return p->uart0 && p->uart1;
}

static int run(struct arguments *a)
{
    int status = EXIT_FAILURE;
    struct board *board = NULL;
    struct control *control = NULL;
    struct board_parts p = {.options = &a->options, .chip = a->chip, .faults = a->faults};
    int signals = block_signals();
    p.loop = loop_new();
    if (signals < 0 || !p.loop || loop_add_fd(p.loop, signals, EPOLLIN, on_signal, p.loop) != 0)
        goto out;
    if (!open_parts(a, &p)) goto out;
    board = board_new(&p);
    if (!board) goto out;
    if (a->control) {
        control = control_open(&(struct control_parts){.loop = p.loop,
                                                       .board = board,
                                                       .download = p.uart0,
                                                       .at = p.uart1,
                                                       .faults = p.faults,
                                                       .boot_download = a->boot_download});
        if (!control) goto out;
    }
    puts("espboard ready");
    fflush(stdout);
    board_power_on(board, a->boot_download);
    loop_run(p.loop);
    status = EXIT_SUCCESS;
out:
    control_close(control);
    board_free(board);
    if (p.uart1 != p.uart0) uart_close(p.uart1);
    uart_close(p.uart0);
    transcript_close(p.transcript);
    flash_close(p.flash);
    loop_free(p.loop);
    if (signals >= 0) close(signals);
    return status;
}

int main(int argc, char **argv)
{
    struct arguments a = {.faults = faults_new()};
    int status = a.faults ? arguments_parse(argc, argv, &a) : EXIT_FAILURE;
    if (status < 0) status = run(&a);
    faults_free(a.faults);
    return status;
}
