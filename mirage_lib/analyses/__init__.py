"""Analyses: what one chapter works out from the curves of many models, beyond a curve and its emergence score.

Each module answers one question of one chapter on tables that are there already. What trains or asks a model is in
:mod:`mirage_lib.arithmetic`, :mod:`mirage_lib.bigbench` and :mod:`mirage_lib.vision`; what any curve may be asked is in
:mod:`mirage_lib.emergence` and :mod:`mirage_lib.breaks`; what the paper claims is judged in :mod:`mirage_lib.claims`.
"""
