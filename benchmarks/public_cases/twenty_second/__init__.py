"""Twenty-second set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed.

How it was drawn: 60 phrases as a stuck person would type them, in two lists, each written down
before any of it was searched: 40 first, and 20 when those had given 20. Of the first 24 were
searched among issues and 16 among pages, of the second 16 and 4. From each the first hit was taken
that is about somebody's own network and whose cause an answer, the asker or the code tells; the
same cause again was fine; three searches more were for the end of a thread. All are searched, none
is recalled.

31 searches gave nothing. In 11 all were guides or reference pages; in 7 no hit was a case (mostly
requests to merge, or for features); in 9 the causes were not told where they could be read; in 3
nothing was stuck; in 1 it was the environment. On the way hits were passed over that cannot be
rebuilt here: a pair of networks that play against each other (twice), detection by anchors.

What was read were excerpts, which break off. Where they do, the cause is what the code or the
numbers in them show: transformers 4207, stats.stackexchange 387150, the recurrent network at
whosebug.com, fastai 1551 (single precision works; where half breaks is not told) and deepxde 356.
sudo_rm_rf 1 and stable-baselines3 563 have a maintainer's word that nobody confirms there. matsciml
347 and keras-gat 3 are not questions but the mends of the askers' own networks.

Of 29 written 22 reproduced at once. Mended were data, sizes or rates of five (the agent, the own
shapes, the triplets, the classes one behind the other, and the half precision, which had been in
the squares alone and is now in the prices), and the score of one (silence, whose loss does not know
the sign). Labels beyond the outputs stopped training before, too, but their gradients were numbers.
One was dropped: an LSTM with a ReLU at its end and strong momentum (keras 3687) learns here. No
kinds were changed.
"""
