"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed.

How it was drawn: 60 symptom phrases, as somebody who is stuck would type them, were written down
before the first search and searched once each, in their order: 57 among pages, 3 among issues. Of
each search the first hit was taken that tells of somebody's own network and whose cause can be
told: by the accepted answer, by what the asker found, or by the code or numbers beyond doubt. The
same cause may come again; a thread that was had already was passed over.

Of the 60, 25 gave a program. Of the 35 others 25 gave guides, papers and tutorials only; 9 gave
questions whose cause could not be told from what was seen; in 1 nothing was wrong but the measure.
One more search looked for the end of a thread and did not find it. Programs that are recalled, as
asked most often, fill up to 28; each says so.

Excerpts end early, and of some threads no answer was seen: there the code or the numbers name the
cause, and the mended twin is what they ask for (these say "by the code" or "by the numbers"). Three
of the sources are accounts of people's own projects, with their own solution, and no questions.

Of 28 written 24 reproduced at once. Then steps or the rate were set in three. One was dropped, as
the accepted fix mends it in few of the settings that were tried: tanhs that show the ten digits by
seven segments, stackoverflow 13632976, with one that reaches 1 and -1 where it still slopes. So 24
are from searches; a fourth that is recalled was added in its place, written before it was run. No
kinds were changed. What was first written was committed just after the first run, and not before
it, without a change in between.
"""
