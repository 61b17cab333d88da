/** The versions of Unicode and of the dictionaries that divide texts into words. */
export const unicodeVersion = (): string => `${process.versions['unicode'] ?? ''} ${process.versions['icu'] ?? ''}`
