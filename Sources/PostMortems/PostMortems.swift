// PostMortems
