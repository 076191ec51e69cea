/* Criterion's tests without Criterion's library, where an emulator runs them: the library starts a
 * test by executing its program anew, which a user-mode emulator can't. Here each test is a fork.
 * It is linked in place of the library; the headers are Criterion's own, and so are the sections in
 * which they list tests. What is not used under tests/ is left out: suites with fixtures are
 * refused, theories do not link, time limits are CTest's, the one option is --filter. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));

struct criterion_options criterion_options;

enum { PASSED, FAILED, SKIPPED, RESULTS };

/* In the child: the test at hand. */
static const struct criterion_test *current;
static void *parameter;
static int result;
static jmp_buf out;

/* ---- what the macros call ---- */

int cr_asprintf(char **text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vasprintf(text, format, args);
    va_end(args);
    if (length < 0) *text = NULL;
    return length;
}
void cr_asprintf_free(char *text) {
    free(text);
}
void *cr_malloc(size_t bytes) {
    return malloc(bytes);
}
void cr_free(void *p) {
    free(p);
}

/* The text of the condition is the message, where the test gives none. */
char *cr_translate_assert_msg(int which, ...) {
    va_list args;
    va_start(args, which);
    char *text = strdup(va_arg(args, const char *));
    va_end(args);
    return text;
}
void cri_asserts_passed_incr(void) {}
void criterion_send_assert(struct criterion_assert_stats *s) {
    if (!s->passed)
        fprintf(stderr, "%s:%u: %s/%s: %s\n", s->file, s->line, current->category, current->name,
                s->message ? s->message : "failed");
}
void criterion_continue_test(void) {
    result = FAILED;
}
void criterion_abort_test(void) {
    result = FAILED;
    longjmp(out, 1);
}
void criterion_skip_test(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s/%s: skipped: ", current->category, current->name);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    if (result == PASSED) result = SKIPPED;
    longjmp(out, 1);
}
void criterion_internal_test_setup(void) {
    if (current->data->init) current->data->init();
}
void criterion_internal_test_teardown(void) {
    if (current->data->fini) current->data->fini();
}
/* A test that is left early is still torn down. */
void criterion_internal_test_main(void (*test)(void)) {
    if (setjmp(out)) return;
    if (current->data->kind_ == CR_TEST_PARAMETERIZED)
        ((void (*)(void *))test)(parameter);
    else
        test();
}

/* ---- the runner ---- */

static const char *filter = "*"; /* of suite/test, as the library has it */

static int is_asked(const struct criterion_test *t) {
    char name[256];
    snprintf(name, sizeof name, "%s/%s", t->category, t->name);
    return fnmatch(filter, name, 0) == 0;
}

struct criterion_test_set *criterion_initialize(void) {
    static struct criterion_test_set set;
    if (__start_cr_sts) {
        fprintf(stderr, "suites with fixtures need Criterion's own library\n");
        exit(2);
    }
    return &set;
}
void criterion_finalize(struct criterion_test_set *set) {
    (void)set;
}
int criterion_handle_args(int argc, char **argv, bool strict) {
    (void)strict;
    if (argc == 3 && strcmp(argv[1], "--filter") == 0)
        filter = argv[2];
    else if (argc > 1)
        fprintf(stderr, "no options are known here but --filter\n"), exit(2);
    return 1;
}

/* An init that fails leaves by here too: nothing is set up then. */
static void child(const struct criterion_test *t, void *of) {
    current = t;
    parameter = of;
    if (!setjmp(out)) t->test();
    fflush(NULL);
    _exit(result);
}

static int run(const struct criterion_test *t, void *of) {
    int status = 0;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) child(t, of);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
        WEXITSTATUS(status) < RESULTS)
        return WEXITSTATUS(status);
    fprintf(stderr, "%s/%s: ended by itself, wait status 0x%x\n", t->category, t->name, status);
    return FAILED;
}

int criterion_run_all_tests(struct criterion_test_set *set) {
    int count[RESULTS] = {0};
    (void)set;
    for (struct criterion_test **at = __start_cr_tst; at < __stop_cr_tst; at++) {
        const struct criterion_test *t = *at;
        if (!t || !is_asked(t)) continue;
        if (t->data->kind_ != CR_TEST_PARAMETERIZED) {
            count[run(t, NULL)]++;
            continue;
        }
        struct criterion_test_params p = t->data->param_();
        for (size_t i = 0; i < p.length; i++) count[run(t, (char *)p.params + i * p.size)]++;
        if (p.cleanup) p.cleanup(&p);
    }
    printf("%d tests passed, %d failed, %d skipped\n", count[PASSED], count[FAILED],
           count[SKIPPED]);
    return count[FAILED] == 0 && count[PASSED] > 0;
}

/* Replaced by that of a test that has one. */
__attribute__((weak)) int main(int argc, char **argv) {
    struct criterion_test_set *set = criterion_initialize();
    int ok = criterion_handle_args(argc, argv, true) && criterion_run_all_tests(set);
    criterion_finalize(set);
    return !ok;
}
