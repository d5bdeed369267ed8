"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed.

How it was drawn: 60 symptom phrases, as somebody who is stuck would type them, were written down
before the first search and searched once each, in their order: 57 among pages, 3 among issues. Of
each search the first hit was taken that tells of somebody's own network and whose cause can be
told: by the accepted answer, by what the asker found, or by the code or numbers beyond doubt. The same
cause may come again; a thread that was had already was passed over.

Of the 60, 25 gave a program. Of the 35 others 25 gave guides, papers and tutorials only; 9 gave
questions whose cause could not be told from what was seen; in 1 nothing was wrong but the measure.
One more search looked for the end of a thread and did not find it. Three programs are recalled, as
asked most often, to make 28; each says so.

Excerpts end early, and of some threads no answer was seen: there the code or the numbers name the
cause, and the mended twin is what they ask for (these say "by the code" or "by the numbers"). Three
of the sources are accounts of people's own projects, with their own solution, and no questions.
"""
