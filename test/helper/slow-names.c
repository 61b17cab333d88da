// Preloaded into a process: the system searches names below .slow.test as long as the file SLOW_NAMES_MARK exists, which it makes when
// such a search begins. It does not find them.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	static const char slow[] = ".slow.test";
	size_t length = node == NULL ? 0 : strlen(node);
	if (length >= sizeof slow && strcmp(node + length - (sizeof slow - 1), slow) == 0) {
		const char *mark = getenv("SLOW_NAMES_MARK");
		if (mark != NULL) {
			close(open(mark, O_CREAT | O_WRONLY, 0600));
			while (access(mark, F_OK) == 0)
				usleep(10000);
		}
		return EAI_AGAIN;
	}
	int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	return next(node, service, hints, result);
}
